#include "engine/session/copy_row_reader.h"

#include <cstring>

#include "engine/limits.h"

namespace eventd::engine {
namespace {

int octal_digit(char c) { return c >= '0' && c <= '7' ? c - '0' : -1; }
int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<CopyRowReader> CopyRowReader::make(const CopyStatement& statement) {
  CopyRowReader reader;
  reader.csv_ = statement.format == CopyStatement::Format::kCsv;
  if (reader.csv_) {
    reader.delimiter_ = ',';
    reader.null_text_.clear();
  }
  if (statement.delimiter) reader.delimiter_ = *statement.delimiter;
  if (statement.quote) reader.quote_ = reader.escape_ = *statement.quote;
  if (statement.escape) reader.escape_ = *statement.escape;
  if (statement.null_text) reader.null_text_ = *statement.null_text;
  reader.skip_header_ = statement.header;
  const auto refuse = [](const char* message) {
    return Status(sqlstate::kInvalidParameterValue, message);
  };
  if (!reader.csv_ && (statement.quote || statement.escape)) {
    return Status(sqlstate::kFeatureNotSupported, "COPY quote available only in CSV mode");
  }
  if (reader.delimiter_ == '\n' || reader.delimiter_ == '\r') {
    return refuse("COPY delimiter cannot be newline or carriage return");
  }
  if (reader.csv_ && reader.delimiter_ == reader.quote_) {
    return refuse("COPY delimiter and quote must be different");
  }
  if (!reader.csv_ && std::strchr("\\.abcdefghijklmnopqrstuvwxyz0123456789", reader.delimiter_)) {
    return refuse("COPY delimiter cannot be a lower-case letter, digit, dot or backslash");
  }
  return reader;
}

void CopyRowReader::append(ByteSpan bytes) {
  // Rows already delivered are dropped first, so the buffer stays about one message long.
  if (at_ > 0) {
    buffer_.erase(0, at_);
    searched_ -= at_;
    at_ = 0;
  }
  buffer_.append(as_text(bytes));
}

Result<bool> CopyRowReader::need_more() {
  csv_retry_bytes_ = 2 * (buffer_.size() - at_);
  if (buffer_.size() - at_ > kCopyRowBytesMax) {
    return Status(sqlstate::kProgramLimitExceeded, "a row of COPY data is larger than 64 MB");
  }
  return false;
}

Result<bool> CopyRowReader::next(std::vector<CopyField>& fields) {
  while (!ended_) {
    ASSIGN_OR_RETURN(const bool row, csv_ ? next_csv_row(fields) : next_text_row(fields));
    if (!row || ended_) return false;
    if (!skip_header_) return true;
    skip_header_ = false;
  }
  return false;
}

Result<bool> CopyRowReader::next_text_row(std::vector<CopyField>& fields) {
  size_t end = std::max(searched_, at_);
  while (true) {
    const void* newline = std::memchr(buffer_.data() + end, '\n', buffer_.size() - end);
    if (newline == nullptr) {
      searched_ = buffer_.size();
      if (!finished_ || at_ == buffer_.size()) return need_more();
      end = buffer_.size();
      break;
    }
    end = static_cast<size_t>(static_cast<const char*>(newline) - buffer_.data());
    // A newline after an odd number of backslashes is data.
    size_t backslashes = 0;
    while (end - backslashes > at_ && buffer_[end - backslashes - 1] == '\\') ++backslashes;
    if (backslashes % 2 == 0) break;
    ++end;
  }
  std::string_view row(buffer_.data() + at_, end - at_);
  if (!row.empty() && row.back() == '\r') row.remove_suffix(1);
  row_line_ = line_++;
  at_ = searched_ = std::min(end + 1, buffer_.size());
  if (row == "\\.") {
    ended_ = true;
    return true;
  }
  split_text(row, fields);
  return true;
}

void CopyRowReader::split_text(std::string_view row, std::vector<CopyField>& fields) {
  fields.clear();
  unescaped_.clear();
  unescaped_.reserve(row.size());
  size_t start = 0;
  while (true) {
    size_t end = start;
    bool escaped = false;
    while (end < row.size() && row[end] != delimiter_) {
      if (row[end] == '\\') {
        escaped = true;
        ++end;
      }
      ++end;
    }
    end = std::min(end, row.size());
    const std::string_view raw = row.substr(start, end - start);
    if (raw == null_text_) {
      fields.emplace_back(std::nullopt);
    } else {
      fields.emplace_back(escaped ? unescape(raw) : raw);
    }
    if (end >= row.size()) return;
    start = end + 1;
  }
}

std::string_view CopyRowReader::unescape(std::string_view raw) {
  const size_t begin = unescaped_.size();
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\' || i + 1 == raw.size()) {
      unescaped_ += raw[i];
      continue;
    }
    const char c = raw[++i];
    switch (c) {
      case 'b': unescaped_ += '\b'; break;
      case 'f': unescaped_ += '\f'; break;
      case 'n': unescaped_ += '\n'; break;
      case 'r': unescaped_ += '\r'; break;
      case 't': unescaped_ += '\t'; break;
      case 'v': unescaped_ += '\v'; break;
      case 'x': {
        int value = -1;
        for (int digits = 0; digits < 2 && i + 1 < raw.size() && hex_digit(raw[i + 1]) >= 0; ++digits) {
          value = (value < 0 ? 0 : value * 16) + hex_digit(raw[++i]);
        }
        unescaped_ += value < 0 ? 'x' : static_cast<char>(value);
        break;
      }
      default: {
        if (octal_digit(c) < 0) {
          unescaped_ += c;
          break;
        }
        int value = octal_digit(c);
        for (int digits = 1; digits < 3 && i + 1 < raw.size() && octal_digit(raw[i + 1]) >= 0; ++digits) {
          value = value * 8 + octal_digit(raw[++i]);
        }
        unescaped_ += static_cast<char>(value);
      }
    }
  }
  return std::string_view(unescaped_).substr(begin);
}

Result<bool> CopyRowReader::next_csv_row(std::vector<CopyField>& fields) {
  fields.clear();
  unescaped_.clear();
  if (at_ == buffer_.size()) return need_more();
  if (!finished_ && buffer_.size() - at_ < csv_retry_bytes_) return false;
  unescaped_.reserve(buffer_.size() - at_);
  size_t i = at_;
  uint64_t lines = 0;
  bool in_quotes = false, was_quoted = false;
  size_t begin = 0;
  const auto end_field = [&] {
    const std::string_view value = std::string_view(unescaped_).substr(begin);
    if (!was_quoted && value == null_text_) {
      fields.emplace_back(std::nullopt);
    } else {
      fields.emplace_back(value);
    }
    begin = unescaped_.size();
    was_quoted = false;
  };
  for (; i < buffer_.size(); ++i) {
    const char c = buffer_[i];
    if (in_quotes) {
      if (c == '\n') ++lines;
      if (c == escape_ && (escape_ != quote_ || (i + 1 < buffer_.size() || !finished_))) {
        if (i + 1 == buffer_.size() && !finished_) return need_more();
        const char following = i + 1 < buffer_.size() ? buffer_[i + 1] : '\0';
        if (following == quote_ || (escape_ != quote_ && following == escape_)) {
          unescaped_ += following;
          ++i;
          continue;
        }
      }
      if (c == quote_) {
        in_quotes = false;
      } else {
        unescaped_ += c;
      }
      continue;
    }
    if (c == quote_) {
      in_quotes = was_quoted = true;
    } else if (c == delimiter_) {
      end_field();
    } else if (c == '\n' || (c == '\r' && i + 1 < buffer_.size() && buffer_[i + 1] == '\n')) {
      if (c == '\r') ++i;
      ++lines;
      break;
    } else {
      unescaped_ += c;
    }
  }
  const bool complete = i < buffer_.size();
  if (!complete) {
    if (!finished_) return need_more();
    if (in_quotes) {
      return Status(sqlstate::kBadCopyFileFormat, "unterminated CSV quoted field");
    }
  }
  end_field();
  row_line_ = line_;
  line_ += lines;
  at_ = searched_ = std::min(i + 1, buffer_.size());
  csv_retry_bytes_ = 0;
  if (fields.size() == 1 && fields[0] && *fields[0] == "\\.") ended_ = true;
  return true;
}

}  // namespace eventd::engine
