// Text → value and back for every type: the input and output functions, once.
#include "bytes.h"
#include "engine/functions/function.h"
#include "engine/functions/jsonpath.h"
#include "engine/functions/single_char.h"
#include "engine/functions/value_binary.h"
#include "engine/payload/json_to_msgpack.h"
#include "engine/payload/jsonb_text.h"
#include "engine/types/array_format.h"
#include "engine/types/bit_string.h"
#include "engine/types/datetime.h"
#include "engine/types/float_text.h"
#include "engine/types/inet_text.h"
#include "engine/types/integer_text.h"
#include "engine/types/interval.h"
#include "engine/types/numeric.h"
#include "engine/types/record_format.h"
#include "engine/types/scalar_text.h"
#include "engine/types/time_zone.h"

namespace eventd::engine {
namespace {

constexpr Oid kJsonpathType = 4072;

// Bytes of the first `count` UTF-8 characters.
size_t prefix_bytes(std::string_view text, size_t count, size_t& characters) {
  size_t at = 0;
  characters = 0;
  while (at < text.size() && characters < count) {
    ++at;
    while (at < text.size() && (static_cast<uint8_t>(text[at]) & 0xc0) == 0x80) ++at;
    ++characters;
  }
  return at;
}

// varchar(n) and char(n): too long only if more than spaces would be lost; char pads.
Result<Datum> limited_text(const Type& type, std::string_view text) {
  if (type.modifier < 5) return Datum(type.id, std::string(text));
  const auto limit = static_cast<size_t>(type.modifier - 4);
  size_t characters = 0;
  const size_t keep = prefix_bytes(text, limit, characters);
  if (text.find_first_not_of(' ', keep) != std::string_view::npos)
    return Status(sqlstate::kStringDataRightTruncation, "value too long for type " + format_type(type));
  std::string value(text.substr(0, keep));
  if (type.id == oid::kBpchar) value.append(limit - characters, ' ');
  return Datum(type.id, std::move(value));
}

Result<Datum> reg_from_text(const Type& type, std::string_view text) {
  if (text == "-") return Datum(type.id, int32_t{0});
  if (const Result<uint32_t> number = parse_oid(text); number.ok())
    return Datum(type.id, static_cast<int32_t>(*number));
  if (type.id == oid::kRegtype) {
    std::string name(trim_input_space(text));
    if (name.starts_with("pg_catalog.")) name.erase(0, 11);
    if (const TypeInfo* info = find_type_by_name(name)) return Datum(type.id, static_cast<int32_t>(info->id));
    return Status(sqlstate::kUndefinedObject, "type \"" + name + "\" does not exist");
  }
  // Names of relations and functions are the catalog's to resolve, before values are read.
  return Status(sqlstate::kFeatureNotSupported,
                "names as values of type " + format_type(type) + " are not supported here");
}

Result<Datum> array_from_text(const EvalContext& context, const Type& type, std::string_view text) {
  const Oid element = type_info(type.id).element;
  ASSIGN_OR_RETURN(const ArrayText parsed, parse_array_text(text));
  ArrayBuilder builder(element);
  std::string bytes;
  for (const std::optional<std::string>& item : parsed.elements) {
    if (!item) {
      builder.add_null();
      continue;
    }
    ASSIGN_OR_RETURN(const Datum value, datum_from_text(context, Type{element, type.modifier}, *item));
    bytes.clear();
    append_datum_binary(value, bytes);
    builder.add(bytes);
  }
  return Datum(type.id, builder.finish(parsed.dimensions));
}

void append_array(const FormatOptions& format, std::string_view bytes, std::string& out) {
  Result<ArrayReader> reader = ArrayReader::open(bytes);
  if (!reader.ok()) return;
  ArrayText text;
  text.dimensions = reader->dimensions();
  const Type element{reader->element_type(), -1};
  for (int64_t i = 0; i < reader->element_count(); ++i) {
    const std::optional<std::string_view> item = reader->next();
    if (!item) {
      text.elements.emplace_back(std::nullopt);
      continue;
    }
    const Result<Datum> value = datum_from_binary(element, *item);
    text.elements.emplace_back(value.ok() ? datum_to_text(format, *value) : std::string());
  }
  append_array_text(text, out);
}

void append_record(const FormatOptions& format, std::string_view bytes, std::string& out) {
  Result<RecordReader> reader = RecordReader::open(bytes);
  if (!reader.ok()) return;
  out.push_back('(');
  for (int i = 0; i < reader->field_count(); ++i) {
    if (i > 0) out.push_back(',');
    const RecordField field = reader->next();
    if (!field.bytes) continue;
    const Result<Datum> value = datum_from_binary(Type{field.type, -1}, *field.bytes);
    append_record_field_text(value.ok() ? datum_to_text(format, *value) : std::string(), out);
  }
  out.push_back(')');
}

// int2vector and oidvector print as numbers with spaces between.
void append_number_vector(std::string_view bytes, std::string& out) {
  Result<ArrayReader> reader = ArrayReader::open(bytes);
  if (!reader.ok()) return;
  for (int64_t i = 0; i < reader->element_count(); ++i) {
    if (i > 0) out.push_back(' ');
    const std::optional<std::string_view> item = reader->next();
    if (item && item->size() == 2) append_integer(load_be<int16_t>(item->data()), out);
    if (item && item->size() == 4) append_integer(load_be<uint32_t>(item->data()), out);
  }
}

void append_int32(Oid type, const FormatOptions& format, int32_t value, std::string& out) {
  switch (type) {
    case oid::kInt4: append_integer(value, out); break;
    case oid::kDate: append_date(format, value, out); break;
    case oid::kRegtype:
      if (const TypeInfo* info = find_type(static_cast<Oid>(value))) {
        out += info->display_name;
        break;
      }
      [[fallthrough]];
    default:
      // oid, xid and the reg* types; 0 of a reg* prints as '-'.
      if (value == 0 && type != oid::kOid && type_info(type).name.starts_with("reg")) out.push_back('-');
      else append_integer(static_cast<uint32_t>(value), out);
  }
}

void append_int64(Oid type, const FormatOptions& format, int64_t value, std::string& out) {
  switch (type) {
    case oid::kTimestamptz: append_timestamptz(format, value, out); break;
    case oid::kTimestamp: append_timestamp(format, value, out); break;
    case oid::kTime: append_time(value, out); break;
    default: append_integer(value, out);
  }
}

void append_bytes(Oid type, const FormatOptions& format, std::string_view bytes, std::string& out) {
  switch (type) {
    case oid::kText:
    case oid::kVarchar:
    case oid::kNumeric: out += bytes; break;
    case oid::kJsonb: append_jsonb_text(as_bytes(bytes), out); break;
    case oid::kChar: append_char_text(bytes, out); break;
    case oid::kBytea: append_bytea(format.bytea_output, bytes, out); break;
    case oid::kInet: append_inet(bytes, false, out); break;
    case oid::kCidr: append_inet(bytes, true, out); break;
    case oid::kMacaddr:
    case oid::kMacaddr8: append_macaddr(bytes, out); break;
    case oid::kRecord: append_record(format, bytes, out); break;
    case 22:  // int2vector
    case 30:  // oidvector
      append_number_vector(bytes, out);
      break;
    default:
      if (type_info(type).category == 'A') append_array(format, bytes, out);
      else out += bytes;
  }
}

}  // namespace

Result<Datum> datum_from_text(const EvalContext& context, const Type& type, std::string_view text) {
  const TypeInfo* info = find_type(type.id);
  if (info == nullptr) return Status(sqlstate::kUndefinedObject, "type with OID " + std::to_string(type.id) + " does not exist");
  const DateTimeInput input{context.format, context.transaction_timestamp_us};
  const auto wrap = [&]<class T>(Result<T> value) -> Result<Datum> {
    if (!value.ok()) return std::move(value).take_status();
    return Datum(type.id, std::move(value).value());
  };
  switch (type.id) {
    case oid::kBool: return wrap(parse_bool(text));
    case oid::kInt2: return wrap(parse_integer<int16_t>(text));
    case oid::kInt4: return wrap(parse_integer<int32_t>(text));
    case oid::kInt8: return wrap(parse_integer<int64_t>(text));
    case oid::kFloat4: return wrap(parse_float4(text));
    case oid::kFloat8: return wrap(parse_float8(text));
    case oid::kNumeric: {
      ASSIGN_OR_RETURN(const Numeric value, Numeric::parse(text));
      ASSIGN_OR_RETURN(const Numeric fitted, value.apply_modifier(type.modifier));
      return Datum(type.id, fitted.text());
    }
    case oid::kText:
    case oid::kUnknown: return Datum(type.id, std::string(text));
    case oid::kVarchar:
    case oid::kBpchar: return limited_text(type, text);
    case oid::kName: {
      size_t keep = std::min(text.size(), kIdentifierBytesMax);
      while (keep < text.size() && keep > 0 && (static_cast<uint8_t>(text[keep]) & 0xc0) == 0x80) --keep;
      return Datum(type.id, std::string(text.substr(0, keep)));
    }
    case oid::kChar: {
      char byte = 0;
      return Datum(type.id, std::string(char_from_text(text, byte)));
    }
    case oid::kBytea: return wrap(parse_bytea(text));
    case oid::kUuid: {
      UuidValue value;
      RETURN_IF_ERROR(parse_uuid(text, value.bytes));
      return Datum(type.id, value);
    }
    case oid::kTimestamptz: return wrap(parse_timestamptz(input, text, type.modifier));
    case oid::kTimestamp: return wrap(parse_timestamp(input, text, type.modifier));
    case oid::kDate: return wrap(parse_date(input, text));
    case oid::kTime: return wrap(parse_time(input, text, type.modifier));
    case oid::kTimetz: return wrap(parse_timetz(input, text, type.modifier));
    case oid::kInterval: {
      ASSIGN_OR_RETURN(const IntervalValue value, parse_interval(text, type.modifier));
      return Datum(type.id, fit_interval(value, type.modifier));
    }
    case oid::kJson:
      RETURN_IF_ERROR(check_json(text, JsonLimits{}));
      return Datum(type.id, std::string(text));
    case oid::kJsonb: {
      std::string value;
      RETURN_IF_ERROR(append_msgpack_from_json(text, JsonLimits{}, value));
      return Datum(type.id, std::move(value));
    }
    case oid::kInet: return wrap(parse_inet(text, false));
    case oid::kCidr: return wrap(parse_inet(text, true));
    case oid::kMacaddr: return wrap(parse_macaddr(text));
    case oid::kMacaddr8: return wrap(parse_macaddr8(text));
    case oid::kOid: {
      ASSIGN_OR_RETURN(const uint32_t value, parse_oid(text));
      return Datum(type.id, static_cast<int32_t>(value));
    }
    case kJsonpathType: {
      ASSIGN_OR_RETURN(const std::shared_ptr<const JsonPath> path, parse_json_path(text));
      return Datum(type.id, json_path_text(*path));
    }
    case oid::kVoid: return Datum(type.id, std::string());
    case oid::kBit:
    case oid::kVarbit: return wrap(parse_bit_string(type, text));
    default: break;
  }
  if (info->physical == Physical::kInt32) return reg_from_text(type, text);
  if (info->category == 'A' && info->name.starts_with('_')) return array_from_text(context, type, text);
  if (type.id == oid::kRecord)
    return Status(sqlstate::kFeatureNotSupported, "input of anonymous composite types is not implemented");
  if (info->category == 'P')
    return Status(sqlstate::kFeatureNotSupported, "cannot accept a value of type " + std::string(info->display_name));
  return Status(sqlstate::kFeatureNotSupported, "input of type " + std::string(info->display_name) + " is not supported");
}

void append_text(const FormatOptions& format, const Vector& vector, uint32_t row, std::string& out) {
  const Oid type = vector.type();
  switch (physical_of(type)) {
    case Physical::kBool: out.push_back(vector.view<uint8_t>()[row] != 0 ? 't' : 'f'); break;
    case Physical::kInt16: append_integer(vector.view<int16_t>()[row], out); break;
    case Physical::kInt32: append_int32(type, format, vector.view<int32_t>()[row], out); break;
    case Physical::kInt64: append_int64(type, format, vector.view<int64_t>()[row], out); break;
    case Physical::kFloat32: append_float4(vector.view<float>()[row], out, format.extra_float_digits); break;
    case Physical::kFloat64: append_float8(vector.view<double>()[row], out, format.extra_float_digits); break;
    case Physical::kUuid: append_uuid(vector.view<UuidValue>()[row].bytes, out); break;
    case Physical::kInterval: append_interval(format.interval_style, vector.view<IntervalValue>()[row], out); break;
    case Physical::kTimetz: append_timetz(vector.view<TimetzValue>()[row], out); break;
    case Physical::kBytes: append_bytes(type, format, vector.view<StringRef>()[row].view(), out); break;
  }
}

std::string datum_to_text(const FormatOptions& format, const Datum& value) {
  std::string out;
  if (value.is_null()) return out;
  const Oid type = value.type();
  switch (physical_of(type)) {
    case Physical::kBool: out.push_back(value.as<bool>() ? 't' : 'f'); break;
    case Physical::kInt16: append_integer(value.as<int16_t>(), out); break;
    case Physical::kInt32: append_int32(type, format, value.as<int32_t>(), out); break;
    case Physical::kInt64: append_int64(type, format, value.as<int64_t>(), out); break;
    case Physical::kFloat32: append_float4(value.as<float>(), out, format.extra_float_digits); break;
    case Physical::kFloat64: append_float8(value.as<double>(), out, format.extra_float_digits); break;
    case Physical::kUuid: append_uuid(value.as<UuidValue>().bytes, out); break;
    case Physical::kInterval: append_interval(format.interval_style, value.as<IntervalValue>(), out); break;
    case Physical::kTimetz: append_timetz(value.as<TimetzValue>(), out); break;
    case Physical::kBytes: append_bytes(type, format, value.bytes(), out); break;
  }
  return out;
}

}  // namespace eventd::engine
