// LIKE, ILIKE and their negations (~~ ~~* !~~ !~~*), and ESCAPE.
#include <optional>
#include <string>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/like_pattern.h"
#include "engine/functions/text_helpers.h"
#include "engine/functions/vector_map.h"

namespace eventd::engine {
namespace {

std::string lowered(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  append_lower(text, out);
  return out;
}

template <bool kIgnoreCase, bool kNegated, LikePattern::Unit kUnit>
Status like(const CallFrame& frame, Vector& result) {
  const auto compile = [](std::string_view pattern) {
    return LikePattern(kIgnoreCase ? lowered(pattern) : std::string(pattern), kUnit);
  };
  std::string buffer;
  const auto match = [&](const LikePattern& pattern, std::string_view text) {
    if constexpr (kIgnoreCase) {
      buffer.clear();
      append_lower(text, buffer);
      text = buffer;
    }
    return pattern.matches(text, frame.context.cancel);
  };
  const Vector& patterns = frame.arguments[1];
  if (patterns.all_null_constant()) {
    result = Vector::null_constant(oid::kBool, frame.rows);
    return Status();
  }
  const auto pattern_view = patterns.view<StringRef>();
  const bool one_pattern = patterns.form() == Vector::Form::kConstant;
  std::optional<LikePattern> pattern;
  if (one_pattern) pattern.emplace(compile(pattern_view[0].view()));
  const auto run = [&](const CallFrame&, const Vector& in, uint32_t rows, Vector& out) -> Status {
    const auto texts = in.view<StringRef>();
    uint8_t* data = out.data<uint8_t>();
    RowGuard guard(frame.context, rows);
    for (uint32_t i = 0; i < rows; ++i) {
      data[i] = 0;
      if (!texts.valid(i) || (!one_pattern && !pattern_view.valid(i))) {
        out.set_null(i);
        continue;
      }
      if (!one_pattern) pattern.emplace(compile(pattern_view[i].view()));
      RETURN_IF_ERROR(guard.step(texts[i].size, nullptr));
      ASSIGN_OR_RETURN(const bool matched, match(*pattern, texts[i].view()));
      data[i] = matched != kNegated;
    }
    return Status();
  };
  if (one_pattern) return map_vector(frame, result, run);
  result = Vector::flat(oid::kBool, frame.rows);
  return run(frame, frame.arguments[0], frame.rows, result);
}

/// like_escape(pattern, escape): the pattern rewritten to use backslashes.
Status like_escape(std::string_view pattern, std::string_view escape, std::string& out) {
  if (escape.empty()) {
    for (const char c : pattern) {
      if (c == '\\') out += '\\';
      out += c;
    }
    return Status();
  }
  if (utf8_first_bytes(escape) != escape.size()) {
    return Status(Error{sqlstate::kInvalidEscapeSequence, "invalid escape string", {},
                        "Escape string must be empty or one character.", {}, 0});
  }
  if (escape == "\\") {
    out += pattern;
    return Status();
  }
  bool after_escape = false;
  while (!pattern.empty()) {
    const size_t size = utf8_first_bytes(pattern);
    const std::string_view character = pattern.substr(0, size);
    pattern.remove_prefix(size);
    if (character == escape && !after_escape) {
      out += '\\';
      after_escape = true;
    } else {
      if (character == "\\" && !after_escape) out += '\\';
      out += character;
      after_escape = false;
    }
  }
  return Status();
}

}  // namespace

void register_like(FunctionCatalog::Builder& builder) {
  constexpr auto kCharacter = LikePattern::Unit::kCharacter;
  constexpr auto kByte = LikePattern::Unit::kByte;
  builder.builtins({"textlike(text,text)", "namelike(name,text)", "bpcharlike(bpchar,text)",
                    "like(text,text)", "like(name,text)"},
                   like<false, false, kCharacter>);
  builder.builtins({"textnlike(text,text)", "namenlike(name,text)", "bpcharnlike(bpchar,text)",
                    "notlike(text,text)", "notlike(name,text)"},
                   like<false, true, kCharacter>);
  builder.builtins(
      {"texticlike(text,text)", "nameiclike(name,text)", "bpchariclike(bpchar,text)"},
      like<true, false, kCharacter>);
  builder.builtins(
      {"texticnlike(text,text)", "nameicnlike(name,text)", "bpcharicnlike(bpchar,text)"},
      like<true, true, kCharacter>);
  builder.builtins({"bytealike(bytea,bytea)", "like(bytea,bytea)"}, like<false, false, kByte>);
  builder.builtins({"byteanlike(bytea,bytea)", "notlike(bytea,bytea)"}, like<false, true, kByte>);
  builder.builtins({"like_escape(text,text)", "like_escape(bytea,bytea)"},
                   row_kernel<StringRef, StringRef, StringRef>(
                       [](const StringRef& pattern, const StringRef& escape,
                          StringOut& out) -> Status {
                         std::string& buffer = out.buffer();
                         RETURN_IF_ERROR(like_escape(pattern.view(), escape.view(), buffer));
                         out.copy(buffer);
                         return Status();
                       }));
}

}  // namespace eventd::engine
