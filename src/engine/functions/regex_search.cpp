// regexp_count, regexp_instr, regexp_substr, substring(text from pattern for escape).
#include <string>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/regex.h"
#include "engine/functions/text_helpers.h"

namespace eventd::engine {
namespace {

/// Which argument is what; -1 = the overload has none.
struct SearchArguments {
  int start = -1, occurrence = -1, end_option = -1, flags = -1, group = -1;
};

struct SearchOptions {
  size_t start_character = 1;
  int32_t occurrence = 1, group = 0;
  bool end = false;
};

Result<int32_t> checked_option(const CallFrame& frame, int index, uint32_t row, int32_t fallback, int32_t low, int32_t high,
                        const char* name) {
  if (index < 0) return fallback;
  const int32_t value = frame.arguments[static_cast<size_t>(index)].view<int32_t>()[row];
  if (value < low || value > high)
    return {sqlstate::kInvalidParameterValue,
            std::string("invalid value for parameter \"") + name + "\": " + std::to_string(value)};
  return value;
}

Result<SearchOptions> options_of(const CallFrame& frame, const SearchArguments& a, uint32_t row) {
  SearchOptions options;
  ASSIGN_OR_RETURN(const int32_t start, checked_option(frame, a.start, row, 1, 1, INT32_MAX, "start"));
  options.start_character = static_cast<size_t>(start);
  ASSIGN_OR_RETURN(options.occurrence, checked_option(frame, a.occurrence, row, 1, 1, INT32_MAX, "n"));
  ASSIGN_OR_RETURN(const int32_t end, checked_option(frame, a.end_option, row, 0, 0, 1, "endoption"));
  options.end = end == 1;
  ASSIGN_OR_RETURN(options.group, checked_option(frame, a.group, row, 0, 0, INT32_MAX, "subexpr"));
  return options;
}

size_t next_start(std::string_view text, const Regex::Piece& match) {
  const auto end = static_cast<size_t>(match.data() - text.data()) + match.size();
  if (!match.empty()) return end;
  return end >= text.size() ? text.size() + 1 : end + utf8_first_bytes(text.substr(end));
}

/// fn(row, regex, text, options, out) for rows without NULL.
template <class Fn>
Status search_rows(const CallFrame& frame, Vector& result, const SearchArguments& arguments, const char* name, const Fn& fn) {
  RegexSource source(frame, 1, arguments.flags, RegexFlags{});
  const auto texts = frame.arguments[0].view<StringRef>();
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    for (const Vector& argument : frame.arguments) {
      if (!argument.is_null(row)) continue;
      out.set_null(row);
      return Status();
    }
    if (frame.context.cancel != nullptr) RETURN_IF_ERROR(frame.context.cancel->check());
    ASSIGN_OR_RETURN(const SearchOptions options, options_of(frame, arguments, row));
    ASSIGN_OR_RETURN(const Regex* regex, source.row(row));
    if (regex->global())
      return Status(sqlstate::kInvalidParameterValue, std::string(name) + " does not support the \"global\" option");
    RETURN_IF_ERROR(regex->check_extraction());
    return fn(row, *regex, texts[row].view(), options, out);
  });
}

/// The wanted group of the wanted match; null data if there is none.
Regex::Piece find_piece(const Regex& regex, std::string_view text, const SearchOptions& options) {
  std::vector<Regex::Piece> groups;
  size_t from = utf8_prefix_bytes(text, options.start_character - 1);
  if (options.start_character > utf8_length(text) + 1) return {};
  for (int32_t n = 1; regex.find(text, from, groups); ++n) {
    if (n == options.occurrence) {
      // Without groups the whole match is the first.
      const auto group = static_cast<size_t>(options.group == 1 && groups.size() == 1 ? 0 : options.group);
      return group < groups.size() ? groups[group] : Regex::Piece();
    }
    from = next_start(text, groups[0]);
  }
  return {};
}

template <int kStart, int kFlags>
Status count_matches(const CallFrame& frame, Vector& result) {
  const SearchArguments arguments{.start = kStart, .flags = kFlags};
  std::vector<Regex::Piece> groups;
  return search_rows(frame, result, arguments, "regexp_count()",
                     [&](uint32_t row, const Regex& regex, std::string_view text, const SearchOptions& options, Vector& out) -> Status {
                       RowGuard guard(frame.context, 1);
                       int32_t count = 0;
                       size_t from = options.start_character > utf8_length(text) + 1
                                         ? text.size() + 1
                                         : utf8_prefix_bytes(text, options.start_character - 1);
                       for (; regex.find(text, from, groups); ++count) {
                         RETURN_IF_ERROR(guard.step(text.size(), nullptr));
                         from = next_start(text, groups[0]);
                       }
                       out.data<int32_t>()[row] = count;
                       return Status();
                     });
}

Status match_place(const CallFrame& frame, Vector& result) {
  const size_t count = frame.arguments.size();
  const SearchArguments arguments{.start = count > 2 ? 2 : -1, .occurrence = count > 3 ? 3 : -1,
                                  .end_option = count > 4 ? 4 : -1, .flags = count > 5 ? 5 : -1, .group = count > 6 ? 6 : -1};
  return search_rows(frame, result, arguments, "regexp_instr()",
                     [](uint32_t row, const Regex& regex, std::string_view text, const SearchOptions& options, Vector& out) {
                       const Regex::Piece piece = find_piece(regex, text, options);
                       int32_t place = 0;
                       if (piece.data() != nullptr) {
                         const auto begin = static_cast<size_t>(piece.data() - text.data());
                         place = static_cast<int32_t>(utf8_length(text.substr(0, begin + (options.end ? piece.size() : 0)))) + 1;
                       }
                       out.data<int32_t>()[row] = place;
                       return Status();
                     });
}

Status match_text(const CallFrame& frame, Vector& result) {
  const size_t count = frame.arguments.size();
  const SearchArguments arguments{.start = count > 2 ? 2 : -1, .occurrence = count > 3 ? 3 : -1,
                                  .flags = count > 4 ? 4 : -1, .group = count > 5 ? 5 : -1};
  return search_rows(frame, result, arguments, "regexp_substr()",
                     [](uint32_t row, const Regex& regex, std::string_view text, const SearchOptions& options, Vector& out) {
                       const Regex::Piece piece = find_piece(regex, text, options);
                       if (piece.data() == nullptr) out.set_null(row);
                       else out.set_string(row, {piece.data(), piece.size()});
                       return Status();
                     });
}

/// The part of the text between the pattern's two escape-double-quotes.
Status substring_similar(const CallFrame& frame, Vector& result) {
  std::string last_pattern, last_escape;
  std::shared_ptr<const Regex> regex;
  std::vector<Regex::Piece> groups;
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    for (const Vector& argument : frame.arguments) {
      if (!argument.is_null(row)) continue;
      out.set_null(row);
      return Status();
    }
    const std::string_view text = frame.arguments[0].view<StringRef>()[row].view();
    const std::string_view pattern = frame.arguments[1].view<StringRef>()[row].view();
    const std::string_view escape = frame.arguments[2].view<StringRef>()[row].view();
    if (regex == nullptr || pattern != last_pattern || escape != last_escape) {
      ASSIGN_OR_RETURN(const std::string translated, similar_to_regex(pattern, escape));
      ASSIGN_OR_RETURN(regex, Regex::compile(translated, RegexFlags{}));
      last_pattern = pattern;
      last_escape = escape;
    }
    RETURN_IF_ERROR(regex->check_extraction());
    const bool found = regex->find(text, 0, groups);
    const size_t wanted = groups.size() > 1 ? 1 : 0;
    if (!found || groups[wanted].data() == nullptr) out.set_null(row);
    else out.set_string(row, {groups[wanted].data(), groups[wanted].size()});
    return Status();
  });
}

}  // namespace

void register_regex_search(FunctionCatalog::Builder& builder) {
  builder.builtin("regexp_count(text,text)", count_matches<-1, -1>);
  builder.builtin("regexp_count(text,text,int4)", count_matches<2, -1>);
  builder.builtin("regexp_count(text,text,int4,text)", count_matches<2, 3>);
  builder.builtins({"regexp_instr(text,text)", "regexp_instr(text,text,int4)", "regexp_instr(text,text,int4,int4)",
                    "regexp_instr(text,text,int4,int4,int4)", "regexp_instr(text,text,int4,int4,int4,text)",
                    "regexp_instr(text,text,int4,int4,int4,text,int4)"},
                   match_place);
  builder.builtins({"regexp_substr(text,text)", "regexp_substr(text,text,int4)", "regexp_substr(text,text,int4,int4)",
                    "regexp_substr(text,text,int4,int4,text)", "regexp_substr(text,text,int4,int4,text,int4)"},
                   match_text);
  builder.builtin("substring(text,text,text)", substring_similar);
}

}  // namespace eventd::engine
