// Cuts COPY data (text and csv) into rows and fields. Format: PostgreSQL manual, COPY, "File Formats".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bytes.h"
#include "engine/plan/statement.h"
#include "result.h"

namespace eventd::engine {

/// One field; views into the reader, valid until the next next(). nullopt = NULL.
using CopyField = std::optional<std::string_view>;

/// Bytes in, rows out. Owned by one thread. Holds at most what was appended last plus one row.
class CopyRowReader {
 public:
  /// 22023 for options that contradict each other.
  static Result<CopyRowReader> make(const CopyStatement& statement);

  void append(ByteSpan bytes);
  /// No more bytes will come: the last line may lack its newline.
  void finish() { finished_ = true; }
  /// The next row, or false when more bytes are needed (or at the end). 22P04, 54000.
  Result<bool> next(std::vector<CopyField>& fields);
  /// 1-based line on which the last row began.
  uint64_t line() const { return row_line_; }

 private:
  CopyRowReader() = default;
  Result<bool> next_text_row(std::vector<CopyField>& fields);
  Result<bool> next_csv_row(std::vector<CopyField>& fields);
  Result<bool> need_more();
  void split_text(std::string_view row, std::vector<CopyField>& fields);
  std::string_view unescape(std::string_view raw);

  bool csv_ = false;
  char delimiter_ = '\t', quote_ = '"', escape_ = '"';
  std::string null_text_ = "\\N";
  bool skip_header_ = false;
  bool finished_ = false, ended_ = false;
  std::string buffer_;
  size_t at_ = 0;       // start of the first row not yet delivered
  size_t searched_ = 0; // text: no row end before this
  size_t csv_retry_bytes_ = 0;  // csv: a partial row is scanned again only once it has doubled
  uint64_t line_ = 1, row_line_ = 1;
  std::string unescaped_;  // fields of the current row that needed work; reserved, never moves
};

}  // namespace eventd::engine
