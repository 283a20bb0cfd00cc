// ~ ~* !~ !~*, regexp_… , substring(text from pattern), similar_to_escape.
#include <algorithm>
#include <functional>
#include <string>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/regex.h"
#include "engine/functions/text_helpers.h"
#include "engine/functions/vector_map.h"
#include "engine/types/array_format.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;
using Pieces = std::vector<Regex::Piece>;

std::string_view view_of(const Regex::Piece& piece) { return {piece.data(), piece.size()}; }
size_t offset_in(std::string_view text, const Regex::Piece& piece) {
  return static_cast<size_t>(piece.data() - text.data());
}

/// Compiles once if pattern (argument 1) and flags (argument kFlags, -1 none) are constant.
template <int kFlags, bool kIgnoreCase>
Result<std::shared_ptr<const CallState>> prepare(const ScalarFunction&,
                                                 std::span<const Datum* const> constants) {
  const auto known = [&](size_t i) {
    return i < constants.size() && constants[i] != nullptr && !constants[i]->is_null();
  };
  if (!known(1) || (kFlags >= 0 && !known(static_cast<size_t>(kFlags))))
    return std::shared_ptr<const CallState>();
  RegexFlags flags;
  if constexpr (kFlags >= 0) {
    ASSIGN_OR_RETURN(flags, parse_regex_flags(constants[static_cast<size_t>(kFlags)]->bytes()));
  }
  flags.ignore_case |= kIgnoreCase;
  ASSIGN_OR_RETURN(std::shared_ptr<const Regex> regex, Regex::compile(constants[1]->bytes(), flags));
  return std::shared_ptr<const CallState>(std::move(regex));
}

// --- operators ---

template <bool kIgnoreCase, bool kNegated>
Status regex_operator(const CallFrame& frame, Vector& result) {
  RegexFlags base;
  base.ignore_case = kIgnoreCase;
  RegexSource source(frame, 1, -1, base);
  const auto run = [&](const CallFrame& f, const Vector& in, uint32_t rows, Vector& out) -> Status {
    const auto texts = in.view<StringRef>();
    uint8_t* data = out.data<uint8_t>();
    RowGuard guard(f.context, rows);
    for (uint32_t i = 0; i < rows; ++i) {
      RETURN_IF_ERROR(guard.step(texts[i].size, nullptr));
      data[i] = 0;
      if (!texts.valid(i) || (f.state == nullptr && f.arguments[1].is_null(i))) {
        out.set_null(i);
        continue;
      }
      ASSIGN_OR_RETURN(const Regex* regex, source.row(i));
      data[i] = regex->matches(texts[i].view()) != kNegated;
    }
    return Status();
  };
  if (frame.state != nullptr || frame.arguments[1].form() == Vector::Form::kConstant)
    return map_vector(frame, result, run);
  result = Vector::flat(oid::kBool, frame.rows);
  return run(frame, frame.arguments[0], frame.rows, result);
}

// --- a frame of rows whose arguments must all be valid ---

/// fn(row, regex, text, out) for rows without NULL.
template <class Fn>
Status each_regex_row(const CallFrame& frame, Vector& result, int flags_index, const Fn& fn,
                      const std::function<Status(uint32_t)>& check_row = {}) {
  // What is wrong with the numbers is said before what is wrong with options and pattern.
  for (uint32_t row = 0; check_row && row < frame.rows; ++row) {
    const bool has_null = std::any_of(frame.arguments.begin(), frame.arguments.end(),
                                      [&](const Vector& argument) { return argument.is_null(row); });
    if (!has_null) RETURN_IF_ERROR(check_row(row));
  }
  RegexSource source(frame, 1, flags_index, RegexFlags{});
  const auto texts = frame.arguments[0].view<StringRef>();
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    for (const Vector& argument : frame.arguments) {
      if (argument.is_null(row)) {
        out.set_null(row);
        return Status();
      }
    }
    ASSIGN_OR_RETURN(const Regex* regex, source.row(row));
    RETURN_IF_ERROR(regex->check_extraction());
    return fn(row, *regex, texts[row].view(), out);
  });
}

/// After a match: where to look next. Empty matches step over one character.
size_t after_match(std::string_view text, const Regex::Piece& match) {
  const size_t end = offset_in(text, match) + match.size();
  if (!match.empty()) return end;
  return end >= text.size() ? text.size() + 1 : end + utf8_first_bytes(text.substr(end));
}

// --- regexp_replace ---

/// \1 … \9, \&, \\ in the replacement.
void append_replacement(std::string_view replacement, const Pieces& groups, std::string& out) {
  for (size_t i = 0; i < replacement.size(); ++i) {
    const char c = replacement[i];
    if (c != '\\' || i + 1 == replacement.size()) {
      out += c;
      continue;
    }
    const char next = replacement[++i];
    if (next == '&') {
      out += view_of(groups[0]);
    } else if (next >= '1' && next <= '9') {
      const auto group = static_cast<size_t>(next - '0');
      if (group < groups.size()) out += view_of(groups[group]);
    } else if (next == '\\') {
      out += '\\';
    } else {
      out += '\\';
      out += next;
    }
  }
}

struct ReplaceOptions {
  size_t start_character = 1;
  int64_t occurrence = 1;  ///< 0 = all
};

Status replace_matches(const EvalContext& context, const Regex& regex, std::string_view text,
                       std::string_view replacement, ReplaceOptions options, std::string& out) {
  RowGuard guard(context, 1);
  Pieces groups;
  size_t from = utf8_prefix_bytes(text, options.start_character - 1), copied = 0;
  int64_t number = 0;
  while (regex.find(text, from, groups)) {
    RETURN_IF_ERROR(guard.step(text.size() - copied, nullptr));
    const size_t begin = offset_in(text, groups[0]);
    from = after_match(text, groups[0]);
    ++number;
    if (options.occurrence != 0 && number != options.occurrence) continue;
    out.append(text, copied, begin - copied);
    append_replacement(replacement, groups, out);
    if (out.size() > kMaxTextBytes) return fault::kRequestedLength.status();
    RETURN_IF_ERROR(check_value_bytes(context, out.size()));
    copied = begin + groups[0].size();
    if (options.occurrence != 0) break;
  }
  out.append(text, copied);
  return Status();
}

Status invalid_parameter(const char* name, int32_t value) {
  return Status(sqlstate::kInvalidParameterValue, std::string("invalid value for parameter \"") +
                                                      name + "\": " + std::to_string(value));
}

/// (text, pattern, replacement [, flags]) or (…, start [, N [, flags]]).
template <bool kHasStart, int kFlags>
Status regexp_replace(const CallFrame& frame, Vector& result) {
  std::string buffer;
  const auto replacements = frame.arguments[2].view<StringRef>();
  const bool has_number = kHasStart && frame.arguments.size() > 4;
  const auto start_of = [&](uint32_t row) { return frame.arguments[3].view<int32_t>()[row]; };
  const auto number_of = [&](uint32_t row) { return frame.arguments[4].view<int32_t>()[row]; };
  const auto check_row = [&](uint32_t row) -> Status {
    if (kHasStart && start_of(row) <= 0) return invalid_parameter("start", start_of(row));
    if (has_number && number_of(row) < 0) return invalid_parameter("n", number_of(row));
    return {};
  };
  return each_regex_row(
      frame, result, kFlags,
      [&](uint32_t row, const Regex& regex, std::string_view text, Vector& out) -> Status {
        ReplaceOptions options{.occurrence = regex.global() ? 0 : 1};
        if (kHasStart) options.start_character = static_cast<size_t>(start_of(row));
        if (has_number) options.occurrence = number_of(row);
        buffer.clear();
        RETURN_IF_ERROR(
            replace_matches(frame.context, regex, text, replacements[row].view(), options, buffer));
        out.set_string(row, buffer);
        return Status();
      },
      check_row);
}

// --- matching and splitting ---

std::string groups_array(const Pieces& groups) {
  ArrayBuilder array(oid::kText);
  for (size_t i = groups.size() > 1 ? 1 : 0; i < groups.size(); ++i) {
    if (groups[i].data() == nullptr) {
      array.add_null();
    } else {
      array.add(view_of(groups[i]));
    }
  }
  return array.finish();
}

Status no_global(const char* function) {
  return Status(sqlstate::kInvalidParameterValue,
                std::string(function) + " does not support the \"global\" option");
}

template <int kFlags>
Status regexp_match(const CallFrame& frame, Vector& result) {
  Pieces groups;
  return each_regex_row(
      frame, result, kFlags,
      [&](uint32_t row, const Regex& regex, std::string_view text, Vector& out) -> Status {
        if (regex.global()) {
          Status status = no_global("regexp_match()");
          status.error().hint = "Use the regexp_matches function instead.";
          return status;
        }
        if (regex.find(text, 0, groups)) {
          out.set_string(row, groups_array(groups));
        } else {
          out.set_null(row);
        }
        return Status();
      });
}

template <int kFlags>
Status regexp_like(const CallFrame& frame, Vector& result) {
  return each_regex_row(
      frame, result, kFlags,
      [&](uint32_t row, const Regex& regex, std::string_view text, Vector& out) -> Status {
        if (regex.global()) return no_global("regexp_like()");
        out.data<uint8_t>()[row] = regex.matches(text);
        return Status();
      });
}

/// The first group if there is one, else the whole match; NULL if none.
Status substring_pattern(const CallFrame& frame, Vector& result) {
  Pieces groups;
  return each_regex_row(
      frame, result, -1,
      [&](uint32_t row, const Regex& regex, std::string_view text, Vector& out) -> Status {
        const bool found = regex.find(text, 0, groups);
        const size_t wanted = groups.size() > 1 ? 1 : 0;
        if (!found || groups[wanted].data() == nullptr) {
          out.set_null(row);
        } else {
          out.set_string(row, view_of(groups[wanted]));
        }
        return Status();
      });
}

/// Calls add(piece) for what lies between the matches; empty matches at the ends and right after
/// a match do not split.
template <class Add>
Status split(const EvalContext& context, const Regex& regex, std::string_view text, const Add& add) {
  Pieces groups;
  size_t from = 0, begin = 0;
  RowGuard guard(context, 1);
  while (regex.find(text, from, groups)) {
    RETURN_IF_ERROR(guard.step(text.size() - begin, nullptr));
    const size_t at = offset_in(text, groups[0]);
    from = after_match(text, groups[0]);
    if (groups[0].empty() && (at == begin || at >= text.size())) continue;
    add(text.substr(begin, at - begin));
    begin = at + groups[0].size();
  }
  add(text.substr(begin));
  return Status();
}

template <int kFlags>
Status regexp_split_to_array(const CallFrame& frame, Vector& result) {
  return each_regex_row(
      frame, result, kFlags,
      [&](uint32_t row, const Regex& regex, std::string_view text, Vector& out) -> Status {
        if (regex.global()) return no_global("regexp_split_to_array()");
        ArrayBuilder array(oid::kText);
        RETURN_IF_ERROR(split(frame.context, regex, text, [&](std::string_view piece) { array.add(piece); }));
        out.set_string(row, array.finish());
        return Status();
      });
}

// --- set-returning: regexp_matches, regexp_split_to_table ---

/// What lies between the matches in a text, or the matches' groups, found as they are read: a text may
/// have very many.
class PiecesCursor : public TableFunctionCursor {
 public:
  /// Borrows `cancel`, which may be null.
  PiecesCursor(bool splits, std::shared_ptr<const Regex> regex, std::string text, const CancelToken* cancel)
      : splits_(splits), regex_(std::move(regex)), text_(std::move(text)), cancel_(cancel) {}

  Result<bool> next(Batch& batch) override {
    if (done_) return false;
    values_.clear();
    while (!done_ && values_.size() < kBatchRows) {
      if (cancel_ != nullptr) RETURN_IF_ERROR(cancel_->check());
      find_next();
    }
    if (values_.empty()) return false;
    const auto rows = static_cast<uint32_t>(values_.size());
    Vector column = Vector::flat(splits_ ? oid::kText : oid::kTextArray, rows);
    for (uint32_t i = 0; i < rows; ++i) column.set_string(i, values_[i]);
    batch.columns = {std::move(column)};
    batch.size = rows;
    return true;
  }

 private:
  void find_next() {
    const std::string_view text = text_;
    if (!regex_->find(text, from_, groups_)) {
      done_ = true;
      if (splits_) values_.emplace_back(text.substr(begin_));
      return;
    }
    from_ = after_match(text, groups_[0]);
    if (!splits_) {
      values_.push_back(groups_array(groups_));
      done_ = !regex_->global();
      return;
    }
    // Empty matches at the ends and right after a match do not split.
    const size_t at = offset_in(text, groups_[0]);
    if (groups_[0].empty() && (at == begin_ || at >= text.size())) return;
    values_.emplace_back(text.substr(begin_, at - begin_));
    begin_ = at + groups_[0].size();
  }

  const bool splits_;
  const std::shared_ptr<const Regex> regex_;
  const std::string text_;
  const CancelToken* const cancel_;
  Pieces groups_;
  size_t from_ = 0, begin_ = 0;
  bool done_ = false;
  std::vector<std::string> values_;
};

/// For NULL arguments.
class NoPieces : public TableFunctionCursor {
 public:
  Result<bool> next(Batch&) override { return false; }
};

using CursorResult = Result<std::unique_ptr<TableFunctionCursor>>;

template <bool kSplit>
CursorResult open_regex_table(const EvalContext& context, std::span<const Datum> arguments) {
  for (const Datum& argument : arguments) {
    if (argument.is_null()) return CursorResult(std::make_unique<NoPieces>());
  }
  RegexFlags flags;
  if (arguments.size() > 2) {
    ASSIGN_OR_RETURN(flags, parse_regex_flags(arguments[2].bytes()));
  }
  ASSIGN_OR_RETURN(const std::shared_ptr<const Regex> regex,
                   Regex::compile(arguments[1].bytes(), flags));
  RETURN_IF_ERROR(regex->check_extraction());
  if (kSplit && regex->global()) return no_global("regexp_split_to_table()");
  return CursorResult(std::make_unique<PiecesCursor>(kSplit, regex, std::string(arguments[0].bytes()), context.cancel));
}

void register_table_functions(Builder& builder) {
  const auto add = [&](std::string_view signature, std::string_view column, Oid type, auto open) {
    TableFunction function;
    function.columns = {{column, type}};
    function.open = open;
    builder.builtin_table_function(signature, std::move(function));
  };
  for (const char* signature : {"regexp_matches(text,text)", "regexp_matches(text,text,text)"})
    add(signature, "regexp_matches", oid::kTextArray, open_regex_table<false>);
  for (const char* signature :
       {"regexp_split_to_table(text,text)", "regexp_split_to_table(text,text,text)"})
    add(signature, "regexp_split_to_table", oid::kText, open_regex_table<true>);
}

}  // namespace

void register_regex(Builder& builder) {
  for (const std::string type : {"text", "name", "bpchar"}) {
    const std::string arguments = "(" + type + ",text)";
    builder.builtin(type + "regexeq" + arguments, regex_operator<false, false>, prepare<-1, false>);
    builder.builtin(type + "regexne" + arguments, regex_operator<false, true>, prepare<-1, false>);
    builder.builtin(type + "icregexeq" + arguments, regex_operator<true, false>, prepare<-1, true>);
    builder.builtin(type + "icregexne" + arguments, regex_operator<true, true>, prepare<-1, true>);
  }
  builder.builtin("regexp_replace(text,text,text)", regexp_replace<false, -1>, prepare<-1, false>);
  builder.builtin("regexp_replace(text,text,text,text)", regexp_replace<false, 3>,
                  prepare<3, false>);
  builder.builtin("regexp_replace(text,text,text,int4)", regexp_replace<true, -1>,
                  prepare<-1, false>);
  builder.builtin("regexp_replace(text,text,text,int4,int4)", regexp_replace<true, -1>,
                  prepare<-1, false>);
  builder.builtin("regexp_replace(text,text,text,int4,int4,text)", regexp_replace<true, 5>,
                  prepare<5, false>);
  builder.builtin("regexp_match(text,text)", regexp_match<-1>, prepare<-1, false>);
  builder.builtin("regexp_match(text,text,text)", regexp_match<2>, prepare<2, false>);
  builder.builtin("regexp_like(text,text)", regexp_like<-1>, prepare<-1, false>);
  builder.builtin("regexp_like(text,text,text)", regexp_like<2>, prepare<2, false>);
  builder.builtin("substring(text,text)", substring_pattern, prepare<-1, false>);
  builder.builtin("regexp_split_to_array(text,text)", regexp_split_to_array<-1>,
                  prepare<-1, false>);
  builder.builtin("regexp_split_to_array(text,text,text)", regexp_split_to_array<2>,
                  prepare<2, false>);
  builder.builtin("similar_to_escape(text)",
                  row_kernel<StringRef, StringRef>(
                      [](const StringRef& pattern, StringOut& out) -> Status {
                        ASSIGN_OR_RETURN(const std::string regex,
                                         similar_to_regex(pattern.view(), "\\"));
                        out.copy(regex);
                        return Status();
                      }));
  builder.builtin("similar_to_escape(text,text)",
                  row_kernel<StringRef, StringRef, StringRef>(
                      [](const StringRef& pattern, const StringRef& escape,
                         StringOut& out) -> Status {
                        ASSIGN_OR_RETURN(const std::string regex,
                                         similar_to_regex(pattern.view(), escape.view()));
                        out.copy(regex);
                        return Status();
                      }));
  register_table_functions(builder);
}

}  // namespace eventd::engine
