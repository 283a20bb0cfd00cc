#include "engine/functions/value_binary.h"

#include <bit>

#include "bytes.h"
#include "engine/functions/function.h"
#include "engine/payload/json_to_msgpack.h"
#include "engine/payload/jsonb_text.h"
#include "engine/types/array_format.h"
#include "engine/types/bit_string.h"
#include "engine/types/datetime_fields.h"
#include "engine/types/inet_text.h"
#include "engine/types/numeric.h"
#include "engine/types/record_format.h"
#include "kmes/validate.h"

namespace eventd::engine {
namespace {

constexpr char kJsonbVersion = 1, kJsonpathVersion = 1;
constexpr Oid kJsonpath = 4072;

void append_bytes_value(Oid type, std::string_view bytes, std::string& out) {
  switch (type) {
    case oid::kNumeric: Numeric::from_canonical(bytes).append_binary(out); break;
    case oid::kJsonb:
      out.push_back(kJsonbVersion);
      append_jsonb_text(as_bytes(bytes), out);
      break;
    case kJsonpath:
      out.push_back(kJsonpathVersion);
      out += bytes;
      break;
    case oid::kBit:
    case oid::kVarbit: append_bit_string_binary(bytes, out); break;
    default: out += bytes;
  }
}

void append_interval(const IntervalValue& v, std::string& out) {
  append_be(out, v.microseconds);
  append_be(out, v.days);
  append_be(out, v.months);
}

void append_timetz(const TimetzValue& v, std::string& out) {
  append_be(out, v.microseconds);
  append_be(out, v.zone_seconds_west);
}

Status bad(const char* message = "incorrect binary data format") {
  return Status(sqlstate::kInvalidBinaryRepresentation, message);
}

Result<Datum> bytes_from_binary(const Type& type, std::string_view bytes) {
  switch (type.id) {
    case oid::kNumeric: {
      ASSIGN_OR_RETURN(const Numeric value, Numeric::from_binary(bytes));
      ASSIGN_OR_RETURN(const Numeric fitted, value.apply_modifier(type.modifier));
      return Datum(type.id, fitted.text());
    }
    case oid::kJsonb: {
      if (bytes.empty() || bytes[0] != kJsonbVersion) return bad("unsupported jsonb version number");
      std::string value;
      RETURN_IF_ERROR(append_msgpack_from_json(bytes.substr(1), JsonLimits{}, value));
      return Datum(type.id, std::move(value));
    }
    case oid::kBit:
    case oid::kVarbit: {
      ASSIGN_OR_RETURN(std::string bits, bit_string_from_binary(type, bytes));
      return Datum(type.id, std::move(bits));
    }
    case oid::kBytea:
    case oid::kInet:
    case oid::kCidr:
    case oid::kMacaddr:
    case oid::kMacaddr8:
    case oid::kChar: return Datum(type.id, std::string(bytes));
    default: break;
  }
  if (type.id == oid::kRecord) {  // its fields are read when they are needed
    Result<RecordReader> reader = RecordReader::open(bytes);
    if (!reader.ok()) return std::move(reader).take_status();
    return Datum(oid::kRecord, std::string(bytes));
  }
  if (type_info(type.id).category == 'A') {
    ASSIGN_OR_RETURN(const ArrayReader reader, ArrayReader::open(bytes));
    if (reader.element_count() > 0 && reader.element_type() != type_info(type.id).element)
      return Status(sqlstate::kDatatypeMismatch, "binary data has array element type " +
                                                     std::to_string(reader.element_type()) + " instead of expected " +
                                                     std::to_string(type_info(type.id).element));
    // Each element must be readable later: check it now.
    ArrayReader elements = reader;
    for (int64_t i = 0; i < reader.element_count(); ++i) {
      const std::optional<std::string_view> element = elements.next();
      if (!element) continue;
      ASSIGN_OR_RETURN(const Datum checked, datum_from_binary(Type{type_info(type.id).element, -1}, *element));
    }
    return Datum(type.id, std::string(bytes));
  }
  if (!kmes_utf8_valid(as_bytes(bytes).data(), bytes.size()) || bytes.find('\0') != std::string_view::npos)
    return Status(sqlstate::kCharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\"");
  if (type.id == oid::kJson) RETURN_IF_ERROR(check_json(bytes, JsonLimits{}));
  if (type.id == kJsonpath) {
    if (bytes.empty() || bytes[0] != kJsonpathVersion) return bad("unsupported jsonpath version number");
    return datum_from_text(EvalContext{}, type, bytes.substr(1));
  }
  return Datum(type.id, std::string(bytes));
}

}  // namespace

void append_binary(const Vector& vector, uint32_t row, std::string& out) {
  switch (physical_of(vector.type())) {
    case Physical::kBool: out.push_back(static_cast<char>(vector.view<uint8_t>()[row])); break;
    case Physical::kInt16: append_be(out, vector.view<int16_t>()[row]); break;
    case Physical::kInt32: append_be(out, vector.view<int32_t>()[row]); break;
    case Physical::kInt64: append_be(out, vector.view<int64_t>()[row]); break;
    case Physical::kFloat32: append_be(out, std::bit_cast<uint32_t>(vector.view<float>()[row])); break;
    case Physical::kFloat64: append_be(out, std::bit_cast<uint64_t>(vector.view<double>()[row])); break;
    case Physical::kUuid:
      out.append(reinterpret_cast<const char*>(vector.view<UuidValue>()[row].bytes), 16);
      break;
    case Physical::kInterval: append_interval(vector.view<IntervalValue>()[row], out); break;
    case Physical::kTimetz: append_timetz(vector.view<TimetzValue>()[row], out); break;
    case Physical::kBytes: append_bytes_value(vector.type(), vector.view<StringRef>()[row].view(), out); break;
  }
}

void append_datum_binary(const Datum& value, std::string& out) {
  switch (physical_of(value.type())) {
    case Physical::kBool: out.push_back(value.as<bool>() ? 1 : 0); break;
    case Physical::kInt16: append_be(out, value.as<int16_t>()); break;
    case Physical::kInt32: append_be(out, value.as<int32_t>()); break;
    case Physical::kInt64: append_be(out, value.as<int64_t>()); break;
    case Physical::kFloat32: append_be(out, std::bit_cast<uint32_t>(value.as<float>())); break;
    case Physical::kFloat64: append_be(out, std::bit_cast<uint64_t>(value.as<double>())); break;
    case Physical::kUuid: out.append(reinterpret_cast<const char*>(value.as<UuidValue>().bytes), 16); break;
    case Physical::kInterval: append_interval(value.as<IntervalValue>(), out); break;
    case Physical::kTimetz: append_timetz(value.as<TimetzValue>(), out); break;
    case Physical::kBytes: append_bytes_value(value.type(), value.bytes(), out); break;
  }
}

Result<Datum> datum_from_binary(const Type& type, std::string_view bytes) {
  const TypeInfo* info = find_type(type.id);
  if (info == nullptr) return bad("unknown type of binary data");
  const auto sized = [&](size_t size) { return bytes.size() == size; };
  switch (info->physical) {
    case Physical::kBool:
      if (!sized(1)) return bad();
      return Datum(type.id, bytes[0] != 0);
    case Physical::kInt16:
      if (!sized(2)) return bad();
      return Datum(type.id, load_be<int16_t>(bytes.data()));
    case Physical::kInt32: {
      if (!sized(4)) return bad();
      const auto value = load_be<int32_t>(bytes.data());
      if (type.id == oid::kDate && date_is_finite(value) && (value < kDateMin || value >= kDateEnd))
        return Status(sqlstate::kDatetimeFieldOverflow, "date out of range");
      return Datum(type.id, value);
    }
    case Physical::kInt64: {
      if (!sized(8)) return bad();
      const auto value = load_be<int64_t>(bytes.data());
      const bool timestamp = type.id == oid::kTimestamp || type.id == oid::kTimestamptz;
      if (timestamp && timestamp_is_finite(value) && !timestamp_in_range(value))
        return Status(sqlstate::kDatetimeFieldOverflow, "timestamp out of range");
      if (type.id == oid::kTime && (value < 0 || value > kMicrosPerDay))
        return Status(sqlstate::kDatetimeFieldOverflow, "time out of range");
      return Datum(type.id, value);
    }
    case Physical::kFloat32:
      if (!sized(4)) return bad();
      return Datum(type.id, std::bit_cast<float>(load_be<uint32_t>(bytes.data())));
    case Physical::kFloat64:
      if (!sized(8)) return bad();
      return Datum(type.id, std::bit_cast<double>(load_be<uint64_t>(bytes.data())));
    case Physical::kUuid: {
      if (!sized(16)) return bad();
      UuidValue value;
      std::memcpy(value.bytes, bytes.data(), 16);
      return Datum(type.id, value);
    }
    case Physical::kInterval:
      if (!sized(16)) return bad();
      return Datum(type.id, IntervalValue{load_be<int64_t>(bytes.data()), load_be<int32_t>(bytes.data() + 8),
                                          load_be<int32_t>(bytes.data() + 12)});
    case Physical::kTimetz: {
      if (!sized(12)) return bad();
      const TimetzValue value{load_be<int64_t>(bytes.data()), load_be<int32_t>(bytes.data() + 8)};
      if (value.microseconds < 0 || value.microseconds > kMicrosPerDay)
        return Status(sqlstate::kDatetimeFieldOverflow, "time out of range");
      if (value.zone_seconds_west <= -57'600 || value.zone_seconds_west >= 57'600)
        return Status(sqlstate::kInvalidTimeZoneDisplacement, "time zone displacement out of range");
      return Datum(type.id, value);
    }
    case Physical::kBytes: return bytes_from_binary(type, bytes);
  }
  return bad();
}

}  // namespace eventd::engine
