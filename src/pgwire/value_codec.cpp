#include "pgwire/value_codec.h"

#include <charconv>
#include <cstring>

#include "bytes.h"
#include "engine/functions/function.h"
#include "engine/types/bit_string.h"
#include "engine/types/record_format.h"
#include "pgwire/message_writer.h"

namespace eventd::pgwire {
namespace {

using engine::Oid;
using engine::Physical;
using engine::StringRef;
using engine::TypeInfo;
namespace oid = engine::oid;

template <class T>
void append_integer_text(T value, std::string& out) {
  char digits[24];
  const auto result = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, static_cast<size_t>(result.ptr - digits));
}

template <class To, class From>
void append_bits(const From& value, std::string& out) {
  static_assert(sizeof(To) == sizeof(From));
  append_be(out, std::bit_cast<To>(value));
}

/// Above it a column's further texts are made value by value.
constexpr Oid kRecordArray = 2287;
constexpr Oid kJsonpath = 4072;  // its binary form is a version byte and the text, as jsonb's
constexpr size_t kMadeTextBytesMax = 1 << 20;

/// Types whose text form is their bytes.
bool text_is_raw(Oid type) {
  switch (type) {
    case oid::kText: case oid::kVarchar: case oid::kBpchar: case oid::kName: case oid::kUnknown:
    case oid::kJson: case oid::kNumeric:
      return true;
    default:
      return false;
  }
}

}  // namespace

ColumnEncoder::ColumnEncoder(Oid type, int16_t format) : form_(choose(type, format)) {}

ColumnEncoder::Form ColumnEncoder::choose(Oid type, int16_t format) {
  const TypeInfo* info = engine::find_type(type);
  if (info == nullptr) return Form::kGenericText;
  if (format == 0) {
    if (type == oid::kInt2) return Form::kIntText16;
    if (type == oid::kInt4) return Form::kIntText32;
    if (type == oid::kInt8) return Form::kIntText64;
    if (type == oid::kBool) return Form::kBoolText;
    return text_is_raw(type) ? Form::kRawBytes : Form::kGenericText;
  }
  switch (info->physical) {
    case Physical::kBool: return Form::kBool;
    case Physical::kInt16: return Form::kInt16;
    case Physical::kInt32: return Form::kInt32;
    case Physical::kInt64: return Form::kInt64;
    case Physical::kFloat32: return Form::kFloat32;
    case Physical::kFloat64: return Form::kFloat64;
    case Physical::kUuid: return Form::kUuid;
    case Physical::kInterval: return Form::kInterval;
    case Physical::kTimetz: return Form::kTimetz;
    case Physical::kBytes: break;
  }
  if (type == oid::kNumeric) return Form::kNumericBinary;
  if (type == oid::kJsonb || type == kJsonpath) return Form::kJsonbBinary;
  if (type == oid::kRecord || type == kRecordArray) return Form::kRecordBinary;
  if (engine::is_bit_string(type)) return Form::kBitBinary;
  return Form::kRawBytes;  // arrays and addresses lie as PostgreSQL sends them
}

void ColumnEncoder::set_vector(const engine::Vector& vector) {
  vector_ = &vector;
  const bool dictionary = vector.form() == engine::Vector::Form::kDictionary;
  const engine::Vector& values = dictionary ? vector.dictionary_values() : vector;
  ids_ = dictionary ? vector.dictionary_ids() : nullptr;
  mask_ = vector.form() == engine::Vector::Form::kConstant ? 0 : ~uint32_t{0};
  validity_ = vector.view<uint8_t>();
  all_valid_ = validity_->all_valid();
  data_ = values.size() == 0 ? nullptr : &values.view<uint8_t>()[0];
  remember_texts(vector);
}

void ColumnEncoder::append_value(const engine::FormatOptions& format, uint32_t row,
                                 std::string& out) const {
  switch (form_) {
    case Form::kIntText16: append_integer_text(at<int16_t>(row), out); return;
    case Form::kIntText32: append_integer_text(at<int32_t>(row), out); return;
    case Form::kIntText64: append_integer_text(at<int64_t>(row), out); return;
    case Form::kBoolText: out.push_back(at<uint8_t>(row) != 0 ? 't' : 'f'); return;
    case Form::kRawBytes: out.append(at<StringRef>(row).view()); return;
    case Form::kGenericText: append_generic_text(format, row, out); return;
    case Form::kBool: out.push_back(static_cast<char>(at<uint8_t>(row) != 0)); return;
    case Form::kInt16: append_be(out, at<int16_t>(row)); return;
    case Form::kInt32: append_be(out, at<int32_t>(row)); return;
    case Form::kInt64: append_be(out, at<int64_t>(row)); return;
    case Form::kFloat32: append_bits<uint32_t>(at<float>(row), out); return;
    case Form::kFloat64: append_bits<uint64_t>(at<double>(row), out); return;
    case Form::kUuid:
      out.append(reinterpret_cast<const char*>(at<engine::UuidValue>(row).bytes), 16);
      return;
    case Form::kInterval: {
      const auto& value = at<engine::IntervalValue>(row);
      append_be(out, value.microseconds);
      append_be(out, value.days);
      append_be(out, value.months);
      return;
    }
    case Form::kTimetz: {
      const auto& value = at<engine::TimetzValue>(row);
      append_be(out, value.microseconds);
      append_be(out, value.zone_seconds_west);
      return;
    }
    case Form::kRecordBinary:
      out += engine::without_record_names(vector_->type(), at<StringRef>(row).view());
      return;
    case Form::kBitBinary:
      engine::append_bit_string_binary(at<StringRef>(row).view(), out);
      return;
    case Form::kNumericBinary: append_numeric_binary(at<StringRef>(row).view(), out); return;
    case Form::kJsonbBinary:
      out.push_back('\x01');
      append_generic_text(format, row, out);
      return;
  }
}

void ColumnEncoder::remember_texts(const engine::Vector& vector) {
  made_.clear();
  made_text_.clear();
  if (form_ != Form::kGenericText && form_ != Form::kJsonbBinary) return;
  const bool constant = vector.form() == engine::Vector::Form::kConstant;
  // A dictionary that is no smaller than the batch is a selection of rows: nothing repeats.
  if (constant) made_.resize(1);
  else if (ids_ != nullptr && vector.dictionary_values().size() <= vector.size() / 2)
    made_.resize(vector.dictionary_values().size());
}

void ColumnEncoder::append_generic_text(const engine::FormatOptions& format, uint32_t row,
                                        std::string& out) const {
  if (made_.empty()) return engine::append_text(format, *vector_, row, out);
  Span& span = made_[index(row)];
  if (span.size == kNotMade) {
    if (made_text_.size() >= kMadeTextBytesMax)
      return engine::append_text(format, *vector_, row, out);
    span.start = static_cast<uint32_t>(made_text_.size());
    engine::append_text(format, *vector_, row, made_text_);
    span.size = static_cast<uint32_t>(made_text_.size()) - span.start;
  }
  out.append(made_text_, span.start, span.size);
}

void ColumnEncoder::append_field(const engine::FormatOptions& format, uint32_t row,
                                 std::string& out) const {
  if (!valid(row)) {
    out.append("\xff\xff\xff\xff", 4);
    return;
  }
  if (form_ == Form::kRawBytes) {
    const StringRef value = at<StringRef>(row);
    append_be(out, value.size);
    out.append(value.data, value.size);
    return;
  }
  const size_t start = out.size();
  out.append("\0\0\0\0", 4);
  append_value(format, row, out);
  store_be(out.data() + start, static_cast<uint32_t>(out.size() - start - 4));
}

RowEncoder::RowEncoder(std::span<const engine::OutputColumn> columns,
                       std::span<const int16_t> formats) {
  columns_.reserve(columns.size());
  for (size_t i = 0; i < columns.size(); ++i)
    columns_.emplace_back(columns[i].type.id, format_of(formats, i));
}

void RowEncoder::set_batch(const engine::Batch& batch) {
  for (size_t i = 0; i < columns_.size() && i < batch.columns.size(); ++i)
    columns_[i].set_vector(batch.columns[i]);
}

void RowEncoder::append_data_row(uint32_t row, std::string& out) const {
  const size_t start = out.size();
  char head[7] = {static_cast<char>(BackendType::kDataRow)};
  store_be(head + 5, static_cast<uint16_t>(columns_.size()));
  out.append(head, sizeof head);
  for (const ColumnEncoder& column : columns_) column.append_field(format_, row, out);
  store_be(out.data() + start + 1, static_cast<uint32_t>(out.size() - start - 1));
}

/// Source: numeric_send() of PostgreSQL 15: ndigits, weight, sign, dscale, then base-10000 digits.
void append_numeric_binary(std::string_view text, std::string& out) {
  constexpr uint16_t kNegative = 0x4000, kNan = 0xC000, kInfinity = 0xD000, kMinusInfinity = 0xF000;
  const auto special = [&out](uint16_t sign, uint16_t scale) {
    append_be(out, uint16_t{0});
    append_be(out, uint16_t{0});
    append_be(out, sign);
    append_be(out, scale);
  };
  if (text == "NaN") return special(kNan, 0);
  if (text == "Infinity") return special(kInfinity, 0x20);
  if (text == "-Infinity") return special(kMinusInfinity, 0x20);
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const size_t point = text.find('.');
  std::string_view whole = text.substr(0, point);
  const std::string_view fraction =
      point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  while (whole.starts_with('0')) whole.remove_prefix(1);

  // Base-10000 digits aligned on the decimal point, written where they stay.
  const size_t start = out.size();
  out.append(8, '\0');
  auto weight = static_cast<int32_t>((whole.size() + 3) / 4) - 1;
  int32_t digits = 0;
  bool leading = true;
  const auto put = [&](int value) {
    if (leading && value == 0) {
      --weight;
      return;
    }
    leading = false;
    append_be(out, static_cast<uint16_t>(value));
    ++digits;
  };
  size_t at = 0;
  while (at < whole.size()) {
    const size_t take = (whole.size() - at) % 4 == 0 ? 4 : (whole.size() - at) % 4;
    int value = 0;
    for (size_t i = 0; i < take; ++i) value = value * 10 + (whole[at + i] - '0');
    put(value);
    at += take;
  }
  for (size_t i = 0; i < fraction.size(); i += 4) {
    int value = 0;
    for (size_t j = 0; j < 4; ++j)
      value = value * 10 + (i + j < fraction.size() ? fraction[i + j] - '0' : 0);
    put(value);
  }
  while (digits > 0 && load_be<uint16_t>(out.data() + out.size() - 2) == 0) {
    out.resize(out.size() - 2);
    --digits;
  }
  if (digits == 0) weight = 0;
  char* head = out.data() + start;
  store_be(head, static_cast<int16_t>(digits));
  store_be(head + 2, static_cast<int16_t>(weight));
  store_be(head + 4, negative && digits > 0 ? kNegative : uint16_t{0});
  store_be(head + 6, static_cast<uint16_t>(fraction.size()));
}

}  // namespace eventd::pgwire
