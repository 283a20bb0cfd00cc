// Functions of records that PostgreSQL has as expression nodes: IS [NOT] NULL of a row. Rows whose
// fields the binder sees are compared field by field; these are for values of type record.
#include "engine/functions/function_registry.h"
#include "engine/functions/ordering.h"
#include "engine/payload/msgpack_reader.h"
#include "engine/types/record_format.h"

namespace eventd::engine {
namespace {

/// record_all_null (`wanted` true): r IS NULL; record_no_null: r IS NOT NULL. NULL itself is both
/// "all null" and not "no null"; fields that are records count as values, as in PostgreSQL.
template <bool all_null>
Status record_null_test(const CallFrame& frame, Vector& result) {
  const auto records = frame.arguments[0].view<StringRef>();
  result = Vector::flat(oid::kBool, frame.rows);
  for (uint32_t row = 0; row < frame.rows; ++row) {
    bool holds = true;
    if (!records.valid(row)) {
      result.data<uint8_t>()[row] = all_null ? 1 : 0;
      continue;
    }
    ASSIGN_OR_RETURN(RecordReader reader, RecordReader::open(records[row].view()));
    for (int i = 0; i < reader.field_count() && holds; ++i) {
      holds = reader.next().bytes.has_value() != all_null;
    }
    result.data<uint8_t>()[row] = holds ? 1 : 0;
  }
  return Status();
}

/// For *= and *<>: the same bytes in every field, whatever their types' equality says.
bool same_image(std::string_view a, std::string_view b) {
  Result<RecordReader> left = RecordReader::open(a), right = RecordReader::open(b);
  if (!left.ok() || !right.ok()) return a == b;
  for (int i = 0; i < left->field_count(); ++i) {
    if (left->next().bytes != right->next().bytes) return false;
  }
  return true;
}

template <class Test>
Status compare_record_rows(const CallFrame& frame, Vector& result, const Test& test) {
  const auto left = frame.arguments[0].view<StringRef>();
  const auto right = frame.arguments[1].view<StringRef>();
  result = Vector::flat(oid::kBool, frame.rows);
  for (uint32_t row = 0; row < frame.rows; ++row) {
    if (!left.valid(row) || !right.valid(row)) {
      result.data<uint8_t>()[row] = 0;
      result.set_null(row);
      continue;
    }
    ASSIGN_OR_RETURN(RecordReader a, RecordReader::open(left[row].view()));
    ASSIGN_OR_RETURN(RecordReader b, RecordReader::open(right[row].view()));
    if (a.field_count() != b.field_count()) {
      return Status(sqlstate::kDatatypeMismatch,
                    "cannot compare record types with different numbers of columns");
    }
    for (int i = 0; i < a.field_count(); ++i) {
      const Oid x = a.next().type, y = b.next().type;
      if (x != y) {
        return Status(sqlstate::kDatatypeMismatch,
                      "cannot compare dissimilar column types " + format_type({x, -1}) + " and " +
                          format_type({y, -1}) + " at record column " + std::to_string(i + 1));
      }
    }
    result.data<uint8_t>()[row] = test(left[row].view(), right[row].view()) ? 1 : 0;
  }
  return Status();
}

Status record_equal(const CallFrame& frame, Vector& result) {
  return compare_record_rows(frame, result, [](std::string_view a, std::string_view b) { return compare_records(a, b) == 0; });
}
Status record_unequal(const CallFrame& frame, Vector& result) {
  return compare_record_rows(frame, result, [](std::string_view a, std::string_view b) { return compare_records(a, b) != 0; });
}
Status record_less(const CallFrame& frame, Vector& result) {
  return compare_record_rows(frame, result, [](std::string_view a, std::string_view b) { return compare_records(a, b) < 0; });
}
Status record_less_equal(const CallFrame& frame, Vector& result) {
  return compare_record_rows(frame, result, [](std::string_view a, std::string_view b) { return compare_records(a, b) <= 0; });
}
Status record_greater(const CallFrame& frame, Vector& result) {
  return compare_record_rows(frame, result, [](std::string_view a, std::string_view b) { return compare_records(a, b) > 0; });
}
Status record_greater_equal(const CallFrame& frame, Vector& result) {
  return compare_record_rows(frame, result, [](std::string_view a, std::string_view b) { return compare_records(a, b) >= 0; });
}

// --- what json(b)_populate_record(set) refuses ---

enum class JsonForm { kObject, kArray, kScalar };

JsonForm form_of(std::string_view jsonb) {
  MsgpackToken token;
  if (!MsgpackReader(as_bytes(jsonb)).next(token)) return JsonForm::kScalar;
  if (token.kind == MsgpackKind::kMap) return JsonForm::kObject;
  return token.kind == MsgpackKind::kArray ? JsonForm::kArray : JsonForm::kScalar;
}

/// fn(form, name of the function) of the argument, which is the result.
template <class Check>
Status check_json_form(const CallFrame& frame, Vector& result, const Check& check) {
  const auto values = frame.arguments[0].view<StringRef>();
  const auto names = frame.arguments[1].view<StringRef>();
  for (uint32_t row = 0; row < frame.rows; ++row) {
    if (values.valid(row)) RETURN_IF_ERROR(check(form_of(values[row].view()), std::string(names[row].view())));
  }
  result = frame.arguments[0];
  return Status();
}

Status populate_object(const CallFrame& frame, Vector& result) {
  return check_json_form(frame, result, [](JsonForm form, const std::string&) -> Status {
    if (form == JsonForm::kObject) return {};
    return {sqlstate::kInvalidParameterValue, std::string("cannot call populate_composite on ") +
                                                  (form == JsonForm::kArray ? "an array" : "a scalar")};
  });
}

Status populate_array(const CallFrame& frame, Vector& result) {
  return check_json_form(frame, result, [](JsonForm form, const std::string& name) -> Status {
    if (form == JsonForm::kArray) return {};
    const char* found = form == JsonForm::kObject ? "an object" : "a scalar";
    return {sqlstate::kInvalidParameterValue,
            "cannot call " + name + " on " + (name.starts_with("jsonb") ? "a non-array" : found)};
  });
}

Status populate_element(const CallFrame& frame, Vector& result) {
  return check_json_form(frame, result, [](JsonForm form, const std::string& name) -> Status {
    if (form == JsonForm::kObject) return {};
    return {sqlstate::kInvalidParameterValue, "argument of " + name + " must be an array of objects"};
  });
}

Status record_image_equal(const CallFrame& frame, Vector& result) {
  return compare_record_rows(frame, result, [](std::string_view a, std::string_view b) { return same_image(a, b); });
}
Status record_image_unequal(const CallFrame& frame, Vector& result) {
  return compare_record_rows(frame, result, [](std::string_view a, std::string_view b) { return !same_image(a, b); });
}

}  // namespace

void register_records(FunctionCatalog::Builder& builder) {
  const auto add_test = [&](std::string_view name, Kernel kernel) {
    ScalarFunction function;
    function.name = name;
    function.arguments = {oid::kRecord};
    function.result = oid::kBool;
    function.strict = false;
    function.kernel = kernel;
    builder.add_function(std::move(function));
  };
  add_test("eventd_record_is_null", record_null_test<true>);
  add_test("eventd_record_is_not_null", record_null_test<false>);
  const auto add_check = [&](std::string_view name, Kernel kernel) {
    ScalarFunction function;
    function.name = name;
    function.arguments = {oid::kJsonb, oid::kText};
    function.result = oid::kJsonb;
    function.kernel = kernel;
    builder.add_function(std::move(function));
  };
  add_check("eventd_populate_object", populate_object);
  add_check("eventd_populate_array", populate_array);
  add_check("eventd_populate_element", populate_element);
  builder.builtin("record_eq(record,record)", record_equal);
  builder.builtin("record_ne(record,record)", record_unequal);
  builder.builtin("record_image_eq(record,record)", record_image_equal);
  builder.builtin("record_image_ne(record,record)", record_image_unequal);
  builder.builtin("record_lt(record,record)", record_less);
  builder.builtin("record_le(record,record)", record_less_equal);
  builder.builtin("record_gt(record,record)", record_greater);
  builder.builtin("record_ge(record,record)", record_greater_equal);
}

}  // namespace eventd::engine
