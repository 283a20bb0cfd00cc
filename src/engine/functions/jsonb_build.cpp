// SQL values → jsonb: to_jsonb, jsonb_build_object, jsonb_build_array.
#include <cmath>

#include "bytes.h"
#include "engine/functions/jsonb_functions.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/value_binary.h"
#include "engine/payload/json_to_msgpack.h"
#include "engine/payload/msgpack_writer.h"
#include "engine/types/array_format.h"
#include "engine/types/datetime.h"
#include "engine/types/float_text.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

void append_real(double value, bool single, std::string& out) {
  MsgpackWriter writer(out);
  if (std::isfinite(value) && !single) return writer.real(value == 0 ? 0 : value);
  std::string text;
  if (single) append_float4(static_cast<float>(value), text);
  else append_float8(value, text);
  if (!std::isfinite(value)) return writer.string(text);
  // A float4 means its own shortest digits, not those of the float8 nearest to it.
  const Status status = append_msgpack_from_json(text, JsonLimits{}, out);
  if (!status.ok()) writer.nil();
}

// JSON's date and time forms are ISO 8601 whatever DateStyle says.
void append_json_datetime(const FormatOptions& format, const Datum& value, std::string& out) {
  FormatOptions iso = format;
  iso.date_style = DateStyle::kIso;
  std::string text = datum_to_text(iso, value);
  if (value.type() != oid::kDate) {
    if (const size_t space = text.find(' '); space != std::string::npos && text[space + 1] != 'B') text[space] = 'T';
    const size_t sign = text.find_last_of("+-");
    if (value.type() == oid::kTimestamptz && sign != std::string::npos && sign > text.find('T')) {
      size_t end = text.find(' ', sign);
      if (end == std::string::npos) end = text.size();
      if (end - sign == 3) text.insert(end, ":00");
    }
  }
  MsgpackWriter(out).string(text);
}

Status append_array_as_jsonb(const FormatOptions& format, std::string_view bytes, std::string& out) {
  ASSIGN_OR_RETURN(ArrayReader reader, ArrayReader::open(bytes));
  MsgpackWriter writer(out);
  const auto& dimensions = reader.dimensions();
  if (dimensions.empty() || reader.element_count() == 0) {
    writer.array_header(0);
    return Status();
  }
  std::vector<int64_t> spans(dimensions.size());
  int64_t span = 1;
  for (size_t i = dimensions.size(); i-- > 0;) spans[i] = span *= dimensions[i].size;
  const Type element{reader.element_type(), -1};
  for (int64_t i = 0; i < reader.element_count(); ++i) {
    for (size_t d = 0; d < spans.size(); ++d)
      if (i % spans[d] == 0) writer.array_header(static_cast<uint32_t>(dimensions[d].size));
    const std::optional<std::string_view> item = reader.next();
    if (!item) {
      writer.nil();
      continue;
    }
    ASSIGN_OR_RETURN(const Datum value, datum_from_binary(element, *item));
    RETURN_IF_ERROR(append_msgpack_from_datum(format, value, out));
  }
  return Status();
}

Status check_size(size_t bytes) {
  if (bytes > JsonLimits{}.max_bytes)
    return Status(sqlstate::kProgramLimitExceeded, "total size of jsonb elements exceeds the maximum of " +
                                                       std::to_string(JsonLimits{}.max_bytes) + " bytes");
  return Status();
}

Status build_array(const CallFrame& frame, Vector& result) {
  std::string buffer;
  return each_row(frame, result, [&](uint32_t row, Vector& to) -> Status {
    buffer.clear();
    MsgpackWriter(buffer).array_header(static_cast<uint32_t>(frame.arguments.size()));
    for (const Vector& argument : frame.arguments)
      RETURN_IF_ERROR(append_msgpack_from_value(frame.context.format, argument, row, buffer));
    RETURN_IF_ERROR(check_size(buffer.size()));
    to.set_string(row, buffer);
    return Status();
  });
}

bool is_key_type(Oid type) {
  const char category = type_info(type).category;
  return type != oid::kJson && type != oid::kJsonb && category != 'A' && category != 'C';
}

Status build_object(const CallFrame& frame, Vector& result) {
  if (frame.arguments.size() % 2 != 0) {
    Error error{sqlstate::kInvalidParameterValue, "argument list must have even number of elements", {}, {}, {}, 0};
    error.hint = "The arguments of jsonb_build_object() must consist of alternating keys and values.";
    return Status(std::move(error));
  }
  std::string buffer;
  return each_row(frame, result, [&](uint32_t row, Vector& to) -> Status {
    buffer.clear();
    MsgpackWriter writer(buffer);
    writer.map_header(static_cast<uint32_t>(frame.arguments.size() / 2));
    for (size_t i = 0; i < frame.arguments.size(); i += 2) {
      if (frame.arguments[i].is_null(row))
        return Status(sqlstate::kInvalidParameterValue, "argument " + std::to_string(i + 1) + ": key must not be null");
      if (!is_key_type(frame.arguments[i].type())) {
        return Status(sqlstate::kInvalidParameterValue,
                      "key value must be scalar, not array, composite, or json");
      }
      std::string key;
      if (frame.arguments[i].type() == oid::kBool) {  // its text would be t or f
        key = frame.arguments[i].view<uint8_t>()[row] != 0 ? "true" : "false";
      } else {
        append_text(frame.context.format, frame.arguments[i], row, key);
      }
      writer.string(key);
      RETURN_IF_ERROR(append_msgpack_from_value(frame.context.format, frame.arguments[i + 1], row, buffer));
    }
    RETURN_IF_ERROR(check_size(buffer.size()));
    to.set_string(row, buffer);
    return Status();
  });
}

Status to_jsonb(const CallFrame& frame, Vector& result) {
  std::string buffer;
  return each_row(frame, result, [&](uint32_t row, Vector& to) -> Status {
    if (frame.arguments[0].is_null(row)) {
      to.set_null(row);
      return Status();
    }
    buffer.clear();
    RETURN_IF_ERROR(append_msgpack_from_value(frame.context.format, frame.arguments[0], row, buffer));
    to.set_string(row, buffer);
    return Status();
  });
}

}  // namespace

Status append_msgpack_from_datum(const FormatOptions& format, const Datum& value, std::string& out) {
  MsgpackWriter writer(out);
  if (value.is_null()) {
    writer.nil();
    return Status();
  }
  switch (value.type()) {
    case oid::kBool: writer.boolean(value.as<bool>()); return Status();
    case oid::kInt2: writer.integer(value.as<int16_t>()); return Status();
    case oid::kInt4: writer.integer(value.as<int32_t>()); return Status();
    case oid::kInt8: writer.integer(value.as<int64_t>()); return Status();
    case oid::kFloat4: append_real(static_cast<double>(value.as<float>()), true, out); return Status();
    case oid::kFloat8: append_real(value.as<double>(), false, out); return Status();
    case oid::kNumeric: {
      const std::string_view text = value.bytes();
      if (text == "NaN" || text.ends_with("Infinity")) {
        writer.string(text);
        return Status();
      }
      return append_msgpack_from_json(text, JsonLimits{}, out);
    }
    case oid::kJson: return append_msgpack_from_json(value.bytes(), JsonLimits{}, out);
    case oid::kJsonb: out += value.bytes(); return Status();
    case oid::kDate:
    case oid::kTimestamp:
    case oid::kTimestamptz: append_json_datetime(format, value, out); return Status();
    case oid::kText:
    case oid::kVarchar:
    case oid::kUnknown: writer.string(value.bytes()); return Status();
    default: break;
  }
  if (type_info(value.type()).category == 'A') return append_array_as_jsonb(format, value.bytes(), out);
  if (value.type() == oid::kRecord) {
    std::string text;
    RETURN_IF_ERROR(append_json_from_datum(format, value, false, text));
    return append_msgpack_from_json(text, JsonLimits{}, out);
  }
  writer.string(datum_to_text(format, value));
  return Status();
}

Status append_msgpack_from_value(const FormatOptions& format, const Vector& vector, uint32_t row, std::string& out) {
  return append_msgpack_from_datum(format, vector.datum(row), out);
}

void register_jsonb_build(Builder& builder) {
  builder.builtin("to_jsonb(anyelement)", to_jsonb);
  builder.builtins({"jsonb_build_array()", "jsonb_build_array(any)"}, build_array);
  builder.builtins({"jsonb_build_object()", "jsonb_build_object(any)"}, build_object);
}

}  // namespace eventd::engine
