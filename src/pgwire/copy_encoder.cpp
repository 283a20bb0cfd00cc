#include "pgwire/copy_encoder.h"

#include <algorithm>

#include "bytes.h"
#include "pgwire/messages.h"

namespace eventd::pgwire {
namespace {

using engine::CopyStatement;

constexpr std::string_view kBinarySignature{"PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19};

size_t begin_copy_data(std::string& out) {
  const size_t start = out.size();
  out.append({static_cast<char>(BackendType::kCopyData), 0, 0, 0, 0});
  return start;
}

void end_copy_data(size_t start, std::string& out) {
  store_be(out.data() + start + 1, static_cast<uint32_t>(out.size() - start - 1));
}

}  // namespace

CopyEncoder::CopyEncoder(const CopyStatement& options,
                         std::span<const engine::OutputColumn> columns,
                         const engine::FormatOptions& format)
    : format_(format),
      csv_(options.format == CopyStatement::Format::kCsv),
      binary_(options.format == CopyStatement::Format::kBinary),
      header_(options.header && !binary_),
      delimiter_(options.delimiter.value_or(csv_ ? ',' : '\t')),
      quote_(options.quote.value_or('"')),
      escape_(options.escape.value_or(quote_)),
      null_text_(options.null_text.value_or(csv_ ? "" : "\\N")) {
  for (const engine::OutputColumn& column : columns) {
    columns_.emplace_back(column.type.id, binary_ ? int16_t{1} : int16_t{0});
    names_.push_back(column.name);
    const auto& forced = options.force_quote;
    force_quote_.push_back(options.force_quote_all ||
                           std::find(forced.begin(), forced.end(), column.name) != forced.end());
  }
}

void CopyEncoder::set_batch(const engine::Batch& batch) {
  for (size_t i = 0; i < columns_.size() && i < batch.columns.size(); ++i)
    columns_[i].set_vector(batch.columns[i]);
}

void CopyEncoder::append_start(std::string& out) {
  if (!header_) return;
  const size_t start = begin_copy_data(out);
  for (size_t i = 0; i < names_.size(); ++i) {
    if (i > 0) out.push_back(delimiter_);
    if (csv_) append_csv_value(names_[i], false, out);
    else append_text_escaped(names_[i], out);
  }
  out.push_back('\n');
  end_copy_data(start, out);
}

void CopyEncoder::append_row(uint32_t row, std::string& out) {
  const size_t start = begin_copy_data(out);
  if (binary_) binary_row(row, out);
  else if (csv_) csv_row(row, out);
  else text_row(row, out);
  end_copy_data(start, out);
}

void CopyEncoder::append_end(std::string& out) {
  if (!binary_) return;
  const size_t start = begin_copy_data(out);
  if (!binary_header_sent_) out.append(kBinarySignature);
  binary_header_sent_ = true;
  append_be(out, int16_t{-1});
  end_copy_data(start, out);
}

void CopyEncoder::text_row(uint32_t row, std::string& out) {
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) out.push_back(delimiter_);
    if (columns_[i].is_null(row)) {
      out.append(null_text_);
      continue;
    }
    scratch_.clear();
    columns_[i].append_value(format_, row, scratch_);
    append_text_escaped(scratch_, out);
  }
  out.push_back('\n');
}

void CopyEncoder::csv_row(uint32_t row, std::string& out) {
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) out.push_back(delimiter_);
    if (columns_[i].is_null(row)) {
      out.append(null_text_);
      continue;
    }
    scratch_.clear();
    columns_[i].append_value(format_, row, scratch_);
    append_csv_value(scratch_, force_quote_[i] != 0, out);
  }
  out.push_back('\n');
}

void CopyEncoder::binary_row(uint32_t row, std::string& out) {
  if (!binary_header_sent_) out.append(kBinarySignature);
  binary_header_sent_ = true;
  append_be(out, static_cast<int16_t>(columns_.size()));
  for (const ColumnEncoder& column : columns_) column.append_field(format_, row, out);
}

void CopyEncoder::append_text_escaped(std::string_view value, std::string& out) const {
  size_t plain = 0;
  for (size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    char escaped = 0;
    switch (c) {
      case '\b': escaped = 'b'; break;
      case '\f': escaped = 'f'; break;
      case '\n': escaped = 'n'; break;
      case '\r': escaped = 'r'; break;
      case '\t': escaped = 't'; break;
      case '\v': escaped = 'v'; break;
      case '\\': escaped = '\\'; break;
      default:
        if (c == delimiter_) escaped = c;
        break;
    }
    if (escaped == 0) continue;
    out.append(value.substr(plain, i - plain));
    out.push_back('\\');
    out.push_back(escaped);
    plain = i + 1;
  }
  out.append(value.substr(plain));
}

void CopyEncoder::append_csv_value(std::string_view value, bool force_quote,
                                   std::string& out) const {
  // A value that reads as NULL, or a lone `\.`, must be quoted, as PostgreSQL does.
  bool quote = force_quote || value == null_text_ ||
               (columns_.size() == 1 && value == "\\.");
  for (size_t i = 0; !quote && i < value.size(); ++i) {
    const char c = value[i];
    quote = c == delimiter_ || c == quote_ || c == '\n' || c == '\r';
  }
  if (!quote) {
    out.append(value);
    return;
  }
  out.push_back(quote_);
  for (const char c : value) {
    if (c == quote_ || c == escape_) out.push_back(escape_);
    out.push_back(c);
  }
  out.push_back(quote_);
}

}  // namespace eventd::pgwire
