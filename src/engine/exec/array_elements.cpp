#include "engine/exec/array_elements.h"

#include <bit>

#include "bytes.h"
#include "engine/types/numeric.h"
#include "engine/vector/physical_dispatch.h"

namespace eventd::engine {

namespace {

template <class T>
using SameSizeInteger =
    std::conditional_t<sizeof(T) == 1, uint8_t,
                       std::conditional_t<sizeof(T) == 2, uint16_t,
                                          std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>>;

/// Types whose stored bytes are their binary (send) form, and numeric.
bool is_raw_bytes(Oid type) {
  return type != oid::kJsonb && physical_of(type) == Physical::kBytes;
}

Status unsupported(Oid type) {
  return {sqlstate::kFeatureNotSupported,
          "arrays of " + format_type({type, -1}) + " are not supported in this expression"};
}

template <class T>
bool read_element(std::string_view bytes, T& out) {
  if constexpr (std::is_arithmetic_v<T>) {
    if (bytes.size() != sizeof(T)) return false;
    out = std::bit_cast<T>(load_be<SameSizeInteger<T>>(bytes.data()));
  } else if constexpr (std::is_same_v<T, UuidValue>) {
    if (bytes.size() != sizeof(T)) return false;
    std::memcpy(out.bytes, bytes.data(), sizeof(T));
  } else if constexpr (std::is_same_v<T, IntervalValue>) {
    if (bytes.size() != 16) return false;
    out = {load_be<int64_t>(bytes.data()), load_be<int32_t>(bytes.data() + 8),
           load_be<int32_t>(bytes.data() + 12)};
  } else {
    if (bytes.size() != 12) return false;
    out = {load_be<int64_t>(bytes.data()), load_be<int32_t>(bytes.data() + 8)};
  }
  return true;
}

template <class T>
std::string write_element(const T& value) {
  std::string bytes;
  if constexpr (std::is_arithmetic_v<T>) {
    append_be(bytes, std::bit_cast<SameSizeInteger<T>>(value));
  } else if constexpr (std::is_same_v<T, UuidValue>) {
    bytes.assign(reinterpret_cast<const char*>(value.bytes), sizeof(value.bytes));
  } else {
    append_be(bytes, value.microseconds);
    if constexpr (std::is_same_v<T, IntervalValue>) {
      append_be(bytes, value.days);
      append_be(bytes, value.months);
    } else {
      append_be(bytes, value.zone_seconds_west);
    }
  }
  return bytes;
}

}  // namespace

Result<Vector> array_elements(std::string_view bytes, Oid element_type) {
  ASSIGN_OR_RETURN(ArrayReader reader, ArrayReader::open(bytes));
  const Physical physical = physical_of(element_type);
  if (physical == Physical::kBytes && !is_raw_bytes(element_type)) return unsupported(element_type);
  const uint32_t count = static_cast<uint32_t>(reader.element_count());
  Vector result = Vector::flat(element_type, count);
  bool well_formed = true;
  for (uint32_t i = 0; i < count; ++i) {
    const std::optional<std::string_view> element = reader.next();
    if (!element) {
      result.set_null(i);
      continue;
    }
    dispatch_physical(physical, [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (std::is_same_v<T, StringRef>) {
        if (element_type != oid::kNumeric) {
          result.set_string(i, *element);
        } else if (const Result<Numeric> number = Numeric::from_binary(*element); number.ok()) {
          result.set_string(i, number->text());
        } else {
          well_formed = false;
        }
      } else {
        well_formed = well_formed && read_element(*element, result.data<T>()[i]);
      }
    });
  }
  if (!well_formed) {
    return Status(sqlstate::kInvalidBinaryRepresentation, "incorrect binary data format in array");
  }
  return result;
}

Status append_element(const Vector& values, uint32_t row, ArrayBuilder& builder) {
  if (values.is_null(row)) {
    builder.add_null();
    return {};
  }
  const Oid type = values.type();
  if (physical_of(type) == Physical::kBytes && !is_raw_bytes(type)) return unsupported(type);
  dispatch_physical(physical_of(type), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const VectorView<T> view = values.view<T>();
    if constexpr (std::is_same_v<T, StringRef>) {
      if (type == oid::kNumeric) {
        std::string binary;
        Numeric::from_canonical(view[row].view()).append_binary(binary);
        builder.add(binary);
      } else {
        builder.add(view[row].view());
      }
    } else {
      builder.add(write_element(view[row]));
    }
  });
  return {};
}

}  // namespace eventd::engine
