// Finding and replacing fixed strings: position, replace, split_part, translate, starts_with …
#include <string>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/text_find.h"
#include "engine/functions/text_helpers.h"
#include "engine/functions/text_split.h"
#include "engine/types/array_format.h"
#include "interrupt.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

int32_t position_of(std::string_view text, std::string_view sought) {
  const size_t at = find_text(text, sought);
  return at == text.npos ? 0 : static_cast<int32_t>(utf8_length(text.substr(0, at)) + 1);
}

Status replace_all(const CallFrame& frame, std::string_view text, std::string_view from,
                   std::string_view to, StringOut& out) {
  size_t at = from.empty() ? text.npos : find_text(text, from);
  if (at == text.npos) {
    out.keep(text);
    return Status();
  }
  std::string& buffer = out.buffer();
  size_t done = 0;
  InterruptPacer pacer;
  for (; at != text.npos; at = find_text(text, from, done)) {
    if (pacer.step(20 + to.size() / 16)) return check_interrupt();
    buffer.append(text, done, at - done);
    buffer += to;
    done = at + from.size();
    if (buffer.size() > kMaxTextBytes) return fault::kRequestedLength.status();
    RETURN_IF_ERROR(check_value_bytes(frame.context, buffer.size()));
  }
  buffer.append(text, done);
  out.copy(buffer);
  return Status();
}

/// The field, counted from 1, negative from the end; empty if there is none.
Result<std::string_view> split_part(std::string_view text, std::string_view delimiter,
                                    int32_t field) {
  if (field == 0)
    return {sqlstate::kInvalidParameterValue, "field position must not be zero"};
  if (text.empty()) return std::string_view{};
  if (delimiter.empty()) return field == 1 || field == -1 ? text : std::string_view{};
  if (field > 0) {
    size_t begin = 0;
    InterruptPacer pacer;
    for (;;) {
      if (pacer.step(20)) return check_interrupt();
      const size_t end = find_text(text, delimiter, begin);
      if (--field == 0) return text.substr(begin, end == text.npos ? end : end - begin);
      if (end == text.npos) return std::string_view{};
      begin = end + delimiter.size();
    }
  }
  // PostgreSQL counts the fields from the left, then takes the one wanted.
  int64_t fields = 1;
  InterruptPacer pacer;
  for (size_t at = find_text(text, delimiter); at != text.npos;
       at = find_text(text, delimiter, at + delimiter.size())) {
    if (pacer.step(20)) return check_interrupt();
    ++fields;
  }
  const int64_t wanted = fields + field + 1;
  if (wanted < 1) return std::string_view{};
  return split_part(text, delimiter, static_cast<int32_t>(wanted));
}

void translate(std::string_view text, std::string_view from, std::string_view to,
               std::string& out) {
  InterruptPacer pacer;
  while (!text.empty() && !pacer.step(5 + from.size() + to.size())) {
    const size_t size = utf8_first_bytes(text);
    const std::string_view character = text.substr(0, size);
    text.remove_prefix(size);
    size_t index = 0;
    bool found = false;
    for (std::string_view rest = from; !rest.empty(); ++index) {
      const size_t step = utf8_first_bytes(rest);
      if (rest.substr(0, step) == character) {
        found = true;
        break;
      }
      rest.remove_prefix(step);
    }
    if (!found) {
      out += character;
      continue;
    }
    std::string_view target = to;
    for (; index > 0 && !target.empty(); --index) target.remove_prefix(utf8_first_bytes(target));
    out += target.substr(0, utf8_first_bytes(target));
  }
}

/// string_to_array(text, delimiter, null_string): delimiter and null_string may be NULL.
Status string_to_array(const CallFrame& frame, Vector& result) {
  const auto texts = frame.arguments[0].view<StringRef>();
  const auto delimiters = frame.arguments[1].view<StringRef>();
  const bool has_null_string = frame.arguments.size() > 2;
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    if (!texts.valid(row)) {
      out.set_null(row);
      return Status();
    }
    const std::string_view text = texts[row].view();
    ArrayBuilder array(oid::kText);
    const bool with_null = has_null_string && !frame.arguments[2].is_null(row);
    const std::string_view null_string =
        with_null ? frame.arguments[2].view<StringRef>()[row].view() : std::string_view{};
    const auto add = [&](std::string_view element) {
      if (with_null && element == null_string) {
        array.add_null();
      } else {
        array.add(element);
      }
    };
    split_text(text, delimiters.valid(row) ? std::optional(delimiters[row].view()) : std::nullopt, add);
    RETURN_IF_ERROR(check_interrupt());
    out.set_string(row, array.finish());
    return Status();
  });
}

/// The rows of string_to_table(), found as they are read: a text may have very many.
class TextPiecesCursor : public TableFunctionCursor {
 public:
  TextPiecesCursor(std::string text, std::optional<std::string> delimiter, std::optional<std::string> null_string)
      : text_(std::move(text)), delimiter_(std::move(delimiter)), null_string_(std::move(null_string)), rest_(text_),
        done_(text_.empty()) {}

  Result<bool> next(Batch& batch) override {
    if (done_) return false;
    Vector column = Vector::flat(oid::kText, kBatchRows);
    uint32_t rows = 0;
    for (; rows < kBatchRows && !done_; ++rows) {
      const std::string_view piece = take();
      if (null_string_ && piece == *null_string_) column.set_null(rows);
      else column.set_string(rows, piece);
    }
    RETURN_IF_ERROR(check_interrupt());
    column.set_size(rows);
    batch.columns = {std::move(column)};
    batch.size = rows;
    return true;
  }

 private:
  std::string_view take() {
    size_t size = 0, skip = 0;
    if (!delimiter_) {
      size = utf8_first_bytes(rest_);
    } else {
      const size_t end = delimiter_->empty() ? rest_.npos : find_text(rest_, *delimiter_);
      done_ = end == rest_.npos;
      size = done_ ? rest_.size() : end;
      skip = done_ ? 0 : delimiter_->size();
    }
    const std::string_view piece = rest_.substr(0, size);
    rest_.remove_prefix(size + skip);
    if (!delimiter_) done_ = rest_.empty();
    return piece;
  }

  const std::string text_;
  const std::optional<std::string> delimiter_, null_string_;
  std::string_view rest_;  // of text_
  bool done_;
};

Result<std::unique_ptr<TableFunctionCursor>> open_string_to_table(const EvalContext&, std::span<const Datum> arguments) {
  const auto optional = [&](size_t i) -> std::optional<std::string> {
    if (i >= arguments.size() || arguments[i].is_null()) return std::nullopt;
    return std::string(arguments[i].bytes());
  };
  return std::unique_ptr<TableFunctionCursor>(
      std::make_unique<TextPiecesCursor>(optional(0).value_or(""), optional(1), optional(2)));
}

/// overlay(text placing new_text from start [for length]), on characters.
Status overlay(std::string_view text, std::string_view placed, int32_t start, int64_t length,
               StringOut& out) {
  if (start <= 0) return Status(sqlstate::kSubstringError, "negative substring length not allowed");
  const int64_t resume = int64_t{start} + length;
  if (resume > INT32_MAX) return fault::kIntegerRange.status();
  std::string& buffer = out.buffer();
  buffer += text.substr(0, utf8_prefix_bytes(text, static_cast<size_t>(start - 1)));
  buffer += placed;
  buffer += text.substr(utf8_prefix_bytes(text, static_cast<size_t>(std::max<int64_t>(resume, 1) - 1)));
  out.copy(buffer);
  return Status();
}

}  // namespace

void register_text_search(Builder& builder) {
  builder.builtins({"strpos(text,text)", "position(text,text)"},
                   row_kernel<int32_t, StringRef, StringRef>(
                       [](const StringRef& text, const StringRef& sought, int32_t& out) {
                         out = position_of(text.view(), sought.view());
                       }));
  builder.builtin("position(bytea,bytea)",
                  row_kernel<int32_t, StringRef, StringRef>(
                      [](const StringRef& text, const StringRef& sought, int32_t& out) {
                        const size_t at = find_text(text.view(), sought.view());
                        out = at == std::string_view::npos ? 0 : static_cast<int32_t>(at + 1);
                      }));
  builder.builtin("replace(text,text,text)",
                  row_kernel<StringRef, StringRef, StringRef, StringRef>(
                      [](const CallFrame& frame, const StringRef& text, const StringRef& from,
                         const StringRef& to, StringOut& out) {
                        return replace_all(frame, text.view(), from.view(), to.view(), out);
                      }));
  builder.builtin("split_part(text,text,int4)",
                  row_kernel<StringRef, StringRef, StringRef, int32_t>(
                      [](const StringRef& text, const StringRef& delimiter, int32_t field,
                         StringOut& out) -> Status {
                        ASSIGN_OR_RETURN(const std::string_view part,
                                         split_part(text.view(), delimiter.view(), field));
                        out.keep(part);
                        return Status();
                      }));
  builder.builtin("starts_with(text,text)",
                  row_kernel<uint8_t, StringRef, StringRef>(
                      [](const StringRef& text, const StringRef& prefix, uint8_t& out) {
                        out = text.view().starts_with(prefix.view());
                      }));
  builder.builtin("translate(text,text,text)",
                  row_kernel<StringRef, StringRef, StringRef, StringRef>(
                      [](const StringRef& text, const StringRef& from, const StringRef& to,
                         StringOut& out) {
                        std::string& buffer = out.buffer();
                        translate(text.view(), from.view(), to.view(), buffer);
                        out.copy(buffer);
                      }));
  builder.builtin("overlay(text,text,int4)",
                  row_kernel<StringRef, StringRef, StringRef, int32_t>(
                      [](const StringRef& text, const StringRef& placed, int32_t start,
                         StringOut& out) {
                        return overlay(text.view(), placed.view(), start,
                                       static_cast<int64_t>(utf8_length(placed.view())), out);
                      }));
  builder.builtin("overlay(text,text,int4,int4)",
                  row_kernel<StringRef, StringRef, StringRef, int32_t, int32_t>(
                      [](const StringRef& text, const StringRef& placed, int32_t start,
                         int32_t length, StringOut& out) {
                        return overlay(text.view(), placed.view(), start, length, out);
                      }));
  builder.builtins({"string_to_array(text,text)", "string_to_array(text,text,text)"},
                   string_to_array);
  for (const char* signature : {"string_to_table(text,text)", "string_to_table(text,text,text)"}) {
    TableFunction table;
    table.columns = {{"string_to_table", oid::kText}};
    table.open = open_string_to_table;
    builder.builtin_table_function(signature, std::move(table));
  }
}

}  // namespace eventd::engine
