#include "engine/session/insert_returning.h"

#include <algorithm>

#include "kernel/uapi/kmes.h"

namespace eventd::engine {
namespace {

Datum uuid_datum(const Guid& guid) {
  UuidValue value;
  const auto bytes = guid.rfc_bytes();
  std::copy(bytes.begin(), bytes.end(), value.bytes);
  return Datum(oid::kUuid, value);
}

}  // namespace

Result<std::vector<OutputColumn>> InsertReturning::columns(const Relation& events,
                                                           std::span<const std::string> names) {
  std::vector<OutputColumn> result;
  const auto add = [&](size_t i) {
    const RelationColumn& column = events.columns()[i];
    result.push_back({column.name, column.type, events.relation_oid(), static_cast<int16_t>(i + 1)});
  };
  for (const std::string& name : names) {
    if (name == "*") {
      for (size_t i = 0; i < events.columns().size(); ++i) add(i);
      continue;
    }
    const int index = events.find_column(name);
    if (index < 0)
      return Status(sqlstate::kUndefinedColumn, "column \"" + name + "\" does not exist");
    add(static_cast<size_t>(index));
  }
  return result;
}

InsertReturning::InsertReturning(const std::vector<OutputColumn>& columns, const Guid& boot_id,
                                 const EventTransaction::Stamp& stamp, MemoryAccount& memory)
    : columns_(columns), boot_id_(boot_id), stamp_(stamp), memory_(memory) {
  needs_commit_ = std::any_of(columns.begin(), columns.end(), [](const OutputColumn& column) {
    return column.name == "sequence" || column.name == "cpu_id";
  });
}

Status InsertReturning::add(std::string_view event_type, ByteSpan payload) {
  RETURN_IF_ERROR(memory_.grow(sizeof(Row) + event_type.size() + payload.size()));
  rows_.push_back({std::string(event_type), std::string(as_text(payload))});
  return {};
}

bool InsertReturning::next(Batch& batch) {
  const size_t left = rows_.size() - next_row_;
  if (left == 0) return false;
  batch.size = static_cast<uint32_t>(std::min<size_t>(left, kBatchRows));
  batch.columns.clear();
  for (const OutputColumn& output : columns_)
    batch.columns.push_back(column(output, next_row_, batch.size));
  next_row_ += batch.size;
  return true;
}

Vector InsertReturning::column(const OutputColumn& output, size_t first, uint32_t count) const {
  const std::string& name = output.name;
  const Oid type = output.type.id;
  if (name == "event_type" || name == "payload") {
    Vector vector = Vector::flat(type, count);
    for (uint32_t i = 0; i < count; ++i) {
      const Row& row = rows_[first + i];
      if (name == "event_type") vector.set_string(i, row.event_type);
      else if (row.payload.empty()) vector.set_null(i);
      else vector.set_string(i, row.payload);
    }
    return vector;
  }
  if (name == "sequence") {
    if (outcome_.first_sequence == 0) return Vector::null_constant(type, count);
    Vector vector = Vector::flat(type, count);
    for (uint32_t i = 0; i < count; ++i)
      vector.data<int64_t>()[i] = static_cast<int64_t>(outcome_.first_sequence + first + i);
    return vector;
  }
  const auto constant = [&](Datum value) { return Vector::constant(value, count); };
  if (name == "cpu_id") return constant(Datum(type, int32_t{outcome_.cpu_id}));
  if (name == "timestamp") return constant(Datum(type, timestamptz_from_unix_ns(stamp_.timestamp_ns)));
  if (name == "timestamp_ns") return constant(Datum(type, stamp_.timestamp_ns));
  if (name == "origin_class") return constant(Datum(type, int16_t{KMES_ORIGIN_USERSPACE}));
  if (name == "process_guid") return constant(uuid_datum(stamp_.process_guid));
  if (name == "effective_token_guid") return constant(uuid_datum(stamp_.effective_token_guid));
  if (name == "true_token_guid") return constant(uuid_datum(stamp_.true_token_guid));
  if (name == "boot_id") return constant(uuid_datum(boot_id_));
  return Vector::null_constant(type, count);
}

}  // namespace eventd::engine
