// SQL values → json: to_json, array_to_json, row_to_json, json_build_…, json(b)_object.
#include <cmath>

#include "bytes.h"
#include "engine/functions/jsonb_functions.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/value_binary.h"
#include "engine/payload/jsonb_text.h"
#include "engine/payload/msgpack_writer.h"
#include "engine/types/array_format.h"
#include "engine/types/record_format.h"

namespace eventd::engine {
namespace {

using Builder = FunctionCatalog::Builder;

bool is_json_number(std::string_view text) {
  return !text.empty() && text != "NaN" && !text.ends_with("Infinity");
}

/// One level of an array's dimensions.
Status append_dimension(const FormatOptions& format, ArrayReader& reader, size_t dimension, bool line_feeds, std::string& out) {
  const int32_t size = reader.dimensions()[dimension].size;
  out += '[';
  for (int32_t i = 0; i < size; ++i) {
    if (i > 0) out += line_feeds && dimension == 0 ? ",\n " : ",";
    if (dimension + 1 < reader.dimensions().size()) {
      RETURN_IF_ERROR(append_dimension(format, reader, dimension + 1, false, out));
    } else if (const auto element = reader.next()) {
      ASSIGN_OR_RETURN(const Datum value, datum_from_binary(Type{reader.element_type(), -1}, *element));
      RETURN_IF_ERROR(append_json_from_datum(format, value, false, out));
    } else {
      out += "null";
    }
  }
  out += ']';
  return Status();
}

Status append_record_json(const FormatOptions& format, std::string_view bytes, bool line_feeds, std::string& out) {
  ASSIGN_OR_RETURN(RecordReader reader, RecordReader::open(bytes));
  out += '{';
  for (int i = 0; i < reader.field_count(); ++i) {
    if (i > 0) out += line_feeds ? ",\n " : ",";
    const RecordField field = reader.next();
    append_json_string(field.name.empty() ? "f" + std::to_string(i + 1) : std::string(field.name), out);
    out += ':';
    if (!field.bytes) {
      out += "null";
      continue;
    }
    ASSIGN_OR_RETURN(const Datum value, datum_from_binary(Type{field.type, -1}, *field.bytes));
    RETURN_IF_ERROR(append_json_from_datum(format, value, false, out));
  }
  out += '}';
  return Status();
}

Status append_array_json(const FormatOptions& format, std::string_view bytes, bool line_feeds, std::string& out) {
  ASSIGN_OR_RETURN(ArrayReader reader, ArrayReader::open(bytes));
  if (reader.element_count() == 0) {
    out += "[]";
    return Status();
  }
  return append_dimension(format, reader, 0, line_feeds, out);
}

/// fn(row, out text) for every row; false = NULL.
template <class Fn>
Status text_rows(const CallFrame& frame, Vector& result, const Fn& fn) {
  std::string buffer;
  return each_row(frame, result, [&](uint32_t row, Vector& out) -> Status {
    buffer.clear();
    ASSIGN_OR_RETURN(const bool present, fn(row, buffer));
    if (buffer.size() > kMaxTextBytes) return fault::kRequestedLength.status();
    if (present) out.set_string(row, buffer);
    else out.set_null(row);
    return Status();
  });
}

/// to_json, array_to_json and row_to_json; the second argument is "pretty".
Status to_json(const CallFrame& frame, Vector& result) {
  return text_rows(frame, result, [&](uint32_t row, std::string& out) -> Result<bool> {
    bool pretty = false;
    for (const Vector& argument : frame.arguments)
      if (argument.is_null(row)) return false;
    if (frame.arguments.size() > 1) pretty = frame.arguments[1].view<uint8_t>()[row] != 0;
    RETURN_IF_ERROR(append_json_from_datum(frame.context.format, frame.arguments[0].datum(row), pretty, out));
    return true;
  });
}

Status build_json_array(const CallFrame& frame, Vector& result) {
  return text_rows(frame, result, [&](uint32_t row, std::string& out) -> Result<bool> {
    out += '[';
    for (size_t i = 0; i < frame.arguments.size(); ++i) {
      if (i > 0) out += ", ";
      RETURN_IF_ERROR(append_json_from_datum(frame.context.format, frame.arguments[i].datum(row), false, out));
    }
    out += ']';
    return true;
  });
}

Status build_json_object(const CallFrame& frame, Vector& result) {
  if (frame.arguments.size() % 2 != 0) {
    Error error{sqlstate::kInvalidParameterValue, "argument list must have even number of elements", {}, {}, {}, 0};
    error.hint = "The arguments of json_build_object() must consist of alternating keys and values.";
    return Status(std::move(error));
  }
  return text_rows(frame, result, [&](uint32_t row, std::string& out) -> Result<bool> {
    out += '{';
    for (size_t i = 0; i < frame.arguments.size(); i += 2) {
      const Vector& key = frame.arguments[i];
      if (i > 0) out += ", ";
      if (key.is_null(row)) {
        Error error{sqlstate::kInvalidParameterValue, "argument " + std::to_string(i + 1) + " cannot be null", {}, {}, {}, 0};
        error.hint = "Object keys should be text.";
        return Status(std::move(error));
      }
      const char category = type_info(key.type()).category;
      if (key.type() == oid::kJson || key.type() == oid::kJsonb || category == 'A' || key.type() == oid::kRecord)
        return {sqlstate::kInvalidParameterValue, "key value must be scalar, not array, composite, or json"};
      std::string name;
      if (key.type() == oid::kBool) name = key.view<uint8_t>()[row] != 0 ? "true" : "false";
      else append_text(frame.context.format, key, row, name);
      append_json_string(name, out);
      out += " : ";
      RETURN_IF_ERROR(append_json_from_datum(frame.context.format, frame.arguments[i + 1].datum(row), false, out));
    }
    out += '}';
    return true;
  });
}

// --- json_object, jsonb_object: from arrays of texts ---

using Texts = std::vector<std::optional<std::string>>;

Result<ArrayReader> open_texts(const CallFrame& frame, size_t argument, uint32_t row, Texts& texts) {
  ASSIGN_OR_RETURN(ArrayReader reader, ArrayReader::open(frame.arguments[argument].view<StringRef>()[row].view()));
  for (int64_t i = 0; i < reader.element_count(); ++i) {
    const auto element = reader.next();
    texts.push_back(element ? std::optional<std::string>(std::string(*element)) : std::nullopt);
  }
  return reader;
}

Status subscript_error(const char* message) { return Status(sqlstate::kArraySubscriptError, message); }

/// Keys and values by turns.
Result<Texts> object_pairs(const CallFrame& frame, uint32_t row) {
  Texts first, second, pairs;
  ASSIGN_OR_RETURN(const ArrayReader keys, open_texts(frame, 0, row, first));
  const auto& dimensions = keys.dimensions();
  if (frame.arguments.size() == 1) {
    if (dimensions.size() == 1 && dimensions[0].size % 2 != 0) return subscript_error("array must have even number of elements");
    if (dimensions.size() == 2 && dimensions[1].size != 2) return subscript_error("array must have two columns");
    if (dimensions.size() > 2) return subscript_error("wrong number of array subscripts");
    pairs = std::move(first);
  } else {
    ASSIGN_OR_RETURN(const ArrayReader values, open_texts(frame, 1, row, second));
    if (dimensions.size() > 1 || dimensions.size() != values.dimensions().size())
      return subscript_error("wrong number of array subscripts");
    if (first.size() != second.size()) return subscript_error("mismatched array dimensions");
    for (size_t i = 0; i < first.size(); ++i) {
      pairs.push_back(std::move(first[i]));
      pairs.push_back(std::move(second[i]));
    }
  }
  for (size_t i = 0; i < pairs.size(); i += 2)
    if (!pairs[i]) return Status(sqlstate::kNullValueNotAllowed, "null value not allowed for object key");
  return pairs;
}

template <bool kBinary>
Status object_of_texts(const CallFrame& frame, Vector& result) {
  return text_rows(frame, result, [&](uint32_t row, std::string& out) -> Result<bool> {
    for (const Vector& argument : frame.arguments)
      if (argument.is_null(row)) return false;
    ASSIGN_OR_RETURN(const Texts pairs, object_pairs(frame, row));
    MsgpackWriter writer(out);
    if (kBinary) writer.map_header(static_cast<uint32_t>(pairs.size() / 2));
    else out += '{';
    for (size_t i = 0; i < pairs.size(); i += 2) {
      if (kBinary) {
        writer.string(*pairs[i]);
        if (pairs[i + 1]) writer.string(*pairs[i + 1]);
        else writer.nil();
        continue;
      }
      if (i > 0) out += ", ";
      append_json_string(*pairs[i], out);
      out += " : ";
      if (pairs[i + 1]) append_json_string(*pairs[i + 1], out);
      else out += "null";
    }
    if (!kBinary) out += '}';
    return true;
  });
}

}  // namespace

Status append_json_from_datum(const FormatOptions& format, const Datum& value, bool line_feeds, std::string& out) {
  if (value.is_null()) {
    out += "null";
    return Status();
  }
  switch (value.type()) {
    case oid::kBool: out += value.as<bool>() ? "true" : "false"; return Status();
    case oid::kInt2:
    case oid::kInt4:
    case oid::kInt8:
    case oid::kFloat4:
    case oid::kFloat8:
    case oid::kNumeric: {
      const std::string text = datum_to_text(format, value);
      if (is_json_number(text)) out += text;
      else out.append("\"").append(text).append("\"");
      return Status();
    }
    case oid::kJson: out += value.bytes(); return Status();
    case oid::kJsonb: append_jsonb_text(as_bytes(value.bytes()), out); return Status();
    case oid::kRecord: return append_record_json(format, value.bytes(), line_feeds, out);
    case oid::kDate:
    case oid::kTimestamp:
    case oid::kTimestamptz: {
      std::string iso;  // its form is jsonb's
      RETURN_IF_ERROR(append_msgpack_from_datum(format, value, iso));
      append_jsonb_text(as_bytes(iso), out);
      return Status();
    }
    default: break;
  }
  if (type_info(value.type()).category == 'A') return append_array_json(format, value.bytes(), line_feeds, out);
  append_json_string(datum_to_text(format, value), out);
  return Status();
}

void register_json_build(Builder& builder) {
  builder.builtins({"to_json(anyelement)", "array_to_json(anyarray)", "array_to_json(anyarray,bool)", "row_to_json(record)",
                    "row_to_json(record,bool)"},
                   to_json);
  builder.builtins({"json_build_array()", "json_build_array(any)"}, build_json_array);
  builder.builtins({"json_build_object()", "json_build_object(any)"}, build_json_object);
  builder.builtins({"json_object(_text)", "json_object(_text,_text)"}, object_of_texts<false>);
  builder.builtins({"jsonb_object(_text)", "jsonb_object(_text,_text)"}, object_of_texts<true>);
}

}  // namespace eventd::engine
