// COPY … TO STDOUT: rows as CopyData messages, text, csv or binary.
// Source: PostgreSQL 15 documentation, "COPY", File Formats.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/plan/logical_plan.h"
#include "engine/plan/statement.h"
#include "pgwire/value_codec.h"

namespace eventd::pgwire {

/// One COPY. Used by one thread at a time.
class CopyEncoder {
 public:
  CopyEncoder(const engine::CopyStatement& options, std::span<const engine::OutputColumn> columns,
              const engine::FormatOptions& format);
  int format_code() const { return binary_ ? 1 : 0; }
  void set_batch(const engine::Batch& batch);
  /// One CopyData message a row; the first one carries binary's header, as PostgreSQL has it.
  void append_row(uint32_t row, std::string& out);
  /// Header line (text, csv) before the rows.
  void append_start(std::string& out);
  /// What follows the last row (binary's trailer).
  void append_end(std::string& out);

 private:
  void text_row(uint32_t row, std::string& out);
  void csv_row(uint32_t row, std::string& out);
  void binary_row(uint32_t row, std::string& out);
  void append_text_escaped(std::string_view value, std::string& out) const;
  void append_csv_value(std::string_view value, bool force_quote, std::string& out) const;

  std::vector<ColumnEncoder> columns_;
  std::vector<std::string> names_;
  std::vector<uint8_t> force_quote_;
  engine::FormatOptions format_;
  bool csv_, binary_, header_;
  bool binary_header_sent_ = false;
  char delimiter_, quote_, escape_;
  std::string null_text_;
  std::string scratch_;
};

}  // namespace eventd::pgwire
