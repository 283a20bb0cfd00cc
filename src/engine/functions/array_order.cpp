// Order, equality and hash of arrays and records, element by element in their binary form.
#include "engine/functions/array_order.h"

#include <algorithm>
#include <bit>

#include "engine/functions/function.h"
#include "engine/functions/ordering.h"
#include "engine/functions/value_binary.h"
#include "engine/functions/value_hash.h"
#include "engine/types/array_format.h"
#include "engine/types/record_format.h"

namespace eventd::engine {
namespace {

template <class T>
T read_or_zero(std::string_view bytes) {
  return bytes.size() >= sizeof(T) ? load_be<T>(bytes.data()) : T{0};
}

template <class T>
std::strong_ordering compare_integers(std::string_view a, std::string_view b) {
  return read_or_zero<T>(a) <=> read_or_zero<T>(b);
}

std::strong_ordering compare_floats(double a, double b) {
  if (FloatOrder<double>::less(a, b)) return std::strong_ordering::less;
  return FloatOrder<double>::less(b, a) ? std::strong_ordering::greater
                                        : std::strong_ordering::equal;
}

double float_element(Oid type, std::string_view bytes) {
  if (type == oid::kFloat4)
    return static_cast<double>(std::bit_cast<float>(read_or_zero<uint32_t>(bytes)));
  return std::bit_cast<double>(read_or_zero<uint64_t>(bytes));
}

Numeric numeric_element(std::string_view bytes) {
  Result<Numeric> value = Numeric::from_binary(bytes);
  return value.ok() ? std::move(value).value() : Numeric::nan();
}

IntervalValue interval_element(std::string_view bytes) {
  if (bytes.size() < 16) return {};
  return {load_be<int64_t>(bytes.data()), load_be<int32_t>(bytes.data() + 8),
          load_be<int32_t>(bytes.data() + 12)};
}

// jsonb's binary form is a version and its text.
std::strong_ordering compare_jsonb_elements(std::string_view a, std::string_view b) {
  if (a == b) return std::strong_ordering::equal;
  const Result<Datum> left = datum_from_binary(Type{oid::kJsonb, -1}, a);
  const Result<Datum> right = datum_from_binary(Type{oid::kJsonb, -1}, b);
  if (!left.ok() || !right.ok()) return a <=> b;
  return compare_jsonb(as_bytes(left->bytes()), as_bytes(right->bytes()));
}

std::strong_ordering compare_elements(Oid type, std::string_view a, std::string_view b) {
  if (find_type(type) != nullptr && type_info(type).category == 'A') return compare_arrays(a, b);
  switch (type) {
    case oid::kInt2: return compare_integers<int16_t>(a, b);
    case oid::kInt4:
    case oid::kDate: return compare_integers<int32_t>(a, b);
    case oid::kInt8:
    case oid::kTime:
    case oid::kTimestamp:
    case oid::kTimestamptz: return compare_integers<int64_t>(a, b);
    case oid::kFloat4:
    case oid::kFloat8: return compare_floats(float_element(type, a), float_element(type, b));
    case oid::kNumeric: return numeric_element(a) <=> numeric_element(b);
    case oid::kInterval: return compare_intervals(interval_element(a), interval_element(b));
    case oid::kBpchar: return without_trailing_spaces(a) <=> without_trailing_spaces(b);
    case oid::kJsonb: return compare_jsonb_elements(a, b);
    case oid::kInet:
    case oid::kCidr: return compare_inet(a, b);
    case oid::kRecord: return compare_records(a, b);
    default: return a <=> b;  // text, bytea, uuid, bool, oid: byte order
  }
}

uint64_t hash_element(Oid type, std::string_view bytes) {
  if (find_type(type) != nullptr && type_info(type).category == 'A') return hash_array(bytes);
  switch (type) {
    case oid::kFloat4:
    case oid::kFloat8: return hash_double(float_element(type, bytes));
    case oid::kNumeric: return numeric_element(bytes).hash();
    case oid::kInterval: return hash_interval(interval_element(bytes));
    case oid::kBpchar: return hash_bytes(without_trailing_spaces(bytes));
    case oid::kJsonb: {
      const Result<Datum> value = datum_from_binary(Type{type, -1}, bytes);
      return value.ok() ? hash_jsonb(as_bytes(value->bytes())) : hash_bytes(bytes);
    }
    case oid::kInet:
    case oid::kCidr:
      return bytes.size() < 4 ? hash_bytes(bytes)
                              : mix_words(hash_bytes(bytes.substr(0, 2)),
                                          hash_bytes(bytes.substr(4)));
    case oid::kRecord: return hash_record(bytes);
    default: return hash_bytes(bytes);
  }
}

}  // namespace

std::strong_ordering compare_array_elements(Oid type, std::string_view a, std::string_view b) {
  return compare_elements(type, a, b);
}

std::strong_ordering compare_arrays(std::string_view a, std::string_view b) {
  Result<ArrayReader> left = ArrayReader::open(a), right = ArrayReader::open(b);
  if (!left.ok() || !right.ok()) return a <=> b;
  const int64_t shared = std::min(left->element_count(), right->element_count());
  for (int64_t i = 0; i < shared; ++i) {
    const auto x = left->next(), y = right->next();
    // NULLs in arrays are equal and above every value (array_cmp).
    if (!x.has_value() || !y.has_value()) {
      if (x.has_value() == y.has_value()) continue;
      return x.has_value() ? std::strong_ordering::less : std::strong_ordering::greater;
    }
    const auto order = compare_elements(left->element_type(), *x, *y);
    if (order != 0) return order;
  }
  if (left->element_count() != right->element_count())
    return left->element_count() <=> right->element_count();
  const auto& dimensions_a = left->dimensions();
  const auto& dimensions_b = right->dimensions();
  if (dimensions_a.size() != dimensions_b.size())
    return dimensions_a.size() <=> dimensions_b.size();
  for (size_t i = 0; i < dimensions_a.size(); ++i) {
    if (dimensions_a[i].size != dimensions_b[i].size)
      return dimensions_a[i].size <=> dimensions_b[i].size;
  }
  for (size_t i = 0; i < dimensions_a.size(); ++i) {
    if (dimensions_a[i].lower != dimensions_b[i].lower)
      return dimensions_a[i].lower <=> dimensions_b[i].lower;
  }
  return std::strong_ordering::equal;
}

uint64_t hash_array(std::string_view array) {
  Result<ArrayReader> reader = ArrayReader::open(array);
  if (!reader.ok()) return hash_bytes(array);
  uint64_t hash = static_cast<uint64_t>(reader->element_count());
  for (int64_t i = 0; i < reader->element_count(); ++i) {
    const auto element = reader->next();
    hash = mix_words(hash, element ? hash_element(reader->element_type(), *element) : 1);
  }
  return hash;
}

std::strong_ordering compare_records(std::string_view a, std::string_view b) {
  Result<RecordReader> left = RecordReader::open(a), right = RecordReader::open(b);
  if (!left.ok() || !right.ok()) return a <=> b;
  const int shared = std::min(left->field_count(), right->field_count());
  for (int i = 0; i < shared; ++i) {
    const RecordField x = left->next(), y = right->next();
    if (x.type != y.type) return x.type <=> y.type;
    if (!x.bytes.has_value() || !y.bytes.has_value()) {
      if (x.bytes.has_value() == y.bytes.has_value()) continue;
      return x.bytes.has_value() ? std::strong_ordering::less : std::strong_ordering::greater;
    }
    const auto order = compare_elements(x.type, *x.bytes, *y.bytes);
    if (order != 0) return order;
  }
  return left->field_count() <=> right->field_count();
}

uint64_t hash_record(std::string_view record) {
  Result<RecordReader> reader = RecordReader::open(record);
  if (!reader.ok()) return hash_bytes(record);
  uint64_t hash = static_cast<uint64_t>(reader->field_count());
  for (int i = 0; i < reader->field_count(); ++i) {
    const RecordField field = reader->next();
    hash = mix_words(hash, field.bytes ? hash_element(field.type, *field.bytes) : 1);
  }
  return hash;
}

}  // namespace eventd::engine
