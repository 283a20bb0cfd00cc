#include "engine/exec/array_elements.h"

#include "engine/functions/value_binary.h"

namespace eventd::engine {

Result<Vector> array_elements(std::string_view bytes, Oid element_type) {
  ASSIGN_OR_RETURN(ArrayReader reader, ArrayReader::open(bytes));
  const uint32_t count = static_cast<uint32_t>(reader.element_count());
  Vector result = Vector::flat(element_type, count);
  for (uint32_t i = 0; i < count; ++i) {
    const std::optional<std::string_view> element = reader.next();
    if (!element) {
      result.set_null(i);
      continue;
    }
    ASSIGN_OR_RETURN(const Datum value, datum_from_binary({element_type, -1}, *element));
    result.set_datum(i, value);
  }
  return result;
}

void append_element(const Vector& values, uint32_t row, ArrayBuilder& builder) {
  if (values.is_null(row)) {
    builder.add_null();
    return;
  }
  std::string binary;
  append_binary(values, row, binary);
  builder.add(binary);
}

}  // namespace eventd::engine
