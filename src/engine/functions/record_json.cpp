// Rows whose column names the binder knows → json and jsonb: (record, names) beside PostgreSQL's
// row_to_json(record), as a value of type record carries no names.
#include "engine/functions/function_registry.h"
#include "engine/functions/jsonb_functions.h"
#include "engine/functions/value_binary.h"
#include "engine/payload/json_to_msgpack.h"
#include "engine/payload/jsonb_text.h"
#include "engine/types/array_format.h"
#include "engine/types/record_format.h"

namespace eventd::engine {
namespace {

Status append_named_record(const FormatOptions& format, std::string_view record,
                           std::string_view names, std::string& out) {
  ASSIGN_OR_RETURN(RecordReader fields, RecordReader::open(record));
  ASSIGN_OR_RETURN(ArrayReader keys, ArrayReader::open(names));
  out += '{';
  for (int i = 0; i < fields.field_count() && i < keys.element_count(); ++i) {
    if (i > 0) out += ',';
    append_json_string(keys.next().value_or(""), out);
    out += ':';
    const RecordField field = fields.next();
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

template <bool as_jsonb>
Status named_record_to_json(const CallFrame& frame, Vector& result) {
  const auto records = frame.arguments[0].view<StringRef>();
  const auto names = frame.arguments[1].view<StringRef>();
  result = Vector::flat(frame.result_type.id, frame.rows);
  std::string text, value;
  for (uint32_t row = 0; row < frame.rows; ++row) {
    if (!records.valid(row) || !names.valid(row)) {
      result.set_null(row);
      continue;
    }
    text.clear();
    RETURN_IF_ERROR(append_named_record(frame.context.format, records[row].view(),
                                        names[row].view(), text));
    if (!as_jsonb) {
      result.set_string(row, text);
      continue;
    }
    value.clear();
    RETURN_IF_ERROR(append_msgpack_from_json(text, JsonLimits{}, value));
    result.set_string(row, value);
  }
  return Status();
}

}  // namespace

void register_record_json(FunctionCatalog::Builder& builder) {
  const auto add = [&](std::string_view name, Oid type, Kernel kernel) {
    ScalarFunction function;
    function.name = name;
    function.arguments = {oid::kRecord, oid::kTextArray};
    function.result = type;
    function.volatility = Volatility::kStable;
    function.kernel = kernel;
    builder.add_function(std::move(function));
  };
  add("eventd_record_to_json", oid::kJson, named_record_to_json<false>);
  add("eventd_record_to_jsonb", oid::kJsonb, named_record_to_json<true>);
}

}  // namespace eventd::engine
