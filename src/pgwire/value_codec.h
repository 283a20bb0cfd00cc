// Values as the wire has them: text as PostgreSQL prints it, binary as PostgreSQL's send functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/plan/logical_plan.h"
#include "engine/types/format_options.h"
#include "engine/vector/vector.h"

namespace eventd::pgwire {

/// Encodes one column of a batch, value by value. The form is chosen once a batch, so that a value
/// costs one predictable branch and no allocation. Owned by one thread at a time.
class ColumnEncoder {
 public:
  ColumnEncoder(engine::Oid type, int16_t format);
  /// `vector` is borrowed until the next call.
  void set_vector(const engine::Vector& vector);
  bool is_null(uint32_t row) const { return !valid(row); }
  /// Appends the value's bytes without a length. REQUIRES: not NULL.
  void append_value(const engine::FormatOptions& format, uint32_t row, std::string& out) const;
  /// Appends the 4-byte length (-1 = NULL) and the bytes.
  void append_field(const engine::FormatOptions& format, uint32_t row, std::string& out) const;

 private:
  enum class Form : uint8_t {
    kIntText16, kIntText32, kIntText64, kBoolText, kRawBytes, kGenericText,
    kBool, kInt16, kInt32, kInt64, kFloat32, kFloat64, kUuid, kInterval, kTimetz,
    kNumericBinary, kRecordBinary, kBitBinary, kJsonbBinary,
  };
  static Form choose(engine::Oid type, int16_t format);
  void remember_texts(const engine::Vector& vector);
  void append_generic_text(const engine::FormatOptions& format, uint32_t row, std::string& out) const;
  bool valid(uint32_t row) const { return all_valid_ || validity_->valid(row); }
  uint32_t index(uint32_t row) const { return ids_ != nullptr ? ids_[row] : (row & mask_); }
  template <class T>
  const T& at(uint32_t row) const {
    return static_cast<const T*>(data_)[index(row)];
  }

  const engine::Vector* vector_ = nullptr;
  std::optional<engine::VectorView<uint8_t>> validity_;
  const void* data_ = nullptr;
  const uint32_t* ids_ = nullptr;
  uint32_t mask_ = ~uint32_t{0};
  bool all_valid_ = true;
  Form form_;

  // Texts of a Constant's value or a small Dictionary's, made once a batch.
  static constexpr uint32_t kNotMade = UINT32_MAX;
  struct Span {
    uint32_t start = 0, size = kNotMade;
  };
  mutable std::vector<Span> made_;  ///< by index; empty = not used
  mutable std::string made_text_;
};

/// Encodes rows as DataRow messages.
class RowEncoder {
 public:
  RowEncoder() = default;
  /// `formats` as in Bind: none, one for all, or one a column.
  RowEncoder(std::span<const engine::OutputColumn> columns, std::span<const int16_t> formats);
  void set_format(const engine::FormatOptions& format) { format_ = format; }
  const engine::FormatOptions& format() const { return format_; }
  /// `batch` is borrowed until the next call.
  void set_batch(const engine::Batch& batch);
  void append_data_row(uint32_t row, std::string& out) const;
  const std::vector<ColumnEncoder>& columns() const { return columns_; }

 private:
  std::vector<ColumnEncoder> columns_;
  engine::FormatOptions format_;
};

/// Appends PostgreSQL's binary numeric of a canonical decimal text ("-12.50", "NaN", "Infinity").
void append_numeric_binary(std::string_view text, std::string& out);

}  // namespace eventd::pgwire
