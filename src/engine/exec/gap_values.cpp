#include "engine/exec/gap_values.h"

#include "engine/functions/value_binary.h"
#include "engine/types/record_format.h"

namespace eventd::engine {

namespace {

Result<Datum> field_of(RecordReader& record, const Type& type, std::string_view which,
                       std::string_view what) {
  const RecordField field = record.next();
  if (field.type != type.id) {
    return Status(sqlstate::kInvalidParameterValue,
                  std::string(which) + " argument of interpolate returned record must match used " +
                      std::string(what) + " datatype");
  }
  if (!field.bytes) return Datum::null(type.id);
  return datum_from_binary(type, *field.bytes);
}

}  // namespace

int64_t time_at(const Vector& column, uint32_t row) {
  switch (physical_of(column.type())) {
    case Physical::kInt16: return column.view<int16_t>()[row];
    case Physical::kInt32: return column.view<int32_t>()[row];
    default: return column.view<int64_t>()[row];
  }
}

void set_whole(Vector& column, uint32_t row, int64_t value) {
  switch (physical_of(column.type())) {
    case Physical::kInt16: column.data<int16_t>()[row] = static_cast<int16_t>(value); break;
    case Physical::kInt32: column.data<int32_t>()[row] = static_cast<int32_t>(value); break;
    default: column.data<int64_t>()[row] = value; break;
  }
}

Result<OutsidePoint> read_outside_point(const Datum& record, const Type& time, const Type& value) {
  ASSIGN_OR_RETURN(RecordReader reader, RecordReader::open(record.bytes()));
  if (reader.field_count() != 2) {
    return Status(sqlstate::kInvalidParameterValue,
                  "interpolate RECORD arguments must have 2 elements");
  }
  OutsidePoint point;
  ASSIGN_OR_RETURN(point.time, field_of(reader, time, "first", "timestamp"));
  ASSIGN_OR_RETURN(point.value, field_of(reader, value, "second", "interpolate"));
  return point;
}

}  // namespace eventd::engine
