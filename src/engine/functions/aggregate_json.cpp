// json_agg, jsonb_agg, json_object_agg, jsonb_object_agg: values in the order they come.
#include <string>

#include "engine/functions/aggregate_helpers.h"
#include "engine/functions/aggregates.h"
#include "engine/functions/jsonb_functions.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/payload/jsonb_text.h"
#include "engine/payload/msgpack_writer.h"

namespace eventd::engine {
namespace {

/// The parts between the brackets: text with separators, or msgpack values.
struct JsonAggState {
  std::string parts;
  uint32_t count = 0;
};

JsonAggState& json_state(void* state) { return *static_cast<JsonAggState*>(state); }

Status check_parts(const JsonAggState& state) {
  if (state.parts.size() <= kMaxTextBytes) return Status();
  return Status(sqlstate::kProgramLimitExceeded, "the result of a json aggregate is too large");
}

Status append_key_text(const FormatOptions& format, const Vector& keys, uint32_t row, std::string& out) {
  if (keys.is_null(row)) return Status(sqlstate::kInvalidParameterValue, "field name must not be null");
  const Oid type = keys.type();
  const char category = type_info(type).category;
  if (type == oid::kJson || type == oid::kJsonb || type == oid::kRecord || category == 'A' || category == 'C') {
    return Status(sqlstate::kInvalidParameterValue,
                  "key value must be scalar, not array, composite, or json");
  }
  if (type == oid::kBool) {
    out += keys.view<uint8_t>()[row] != 0 ? "true" : "false";
  } else {
    append_text(format, keys, row, out);
  }
  return Status();
}

// Each of these appends one row.

Status append_array_text(const EvalContext& context, std::span<const Vector> arguments, uint32_t row,
                         JsonAggState& state) {
  if (state.count > 0) state.parts += ", ";
  const Oid type = arguments[0].type();
  const char category = type_info(type).category;
  const bool structured = (category == 'A' && type_info(type).element != 0) || type == oid::kRecord;
  if (state.count > 0 && structured && !arguments[0].is_null(row)) state.parts += "\n ";
  return append_json_from_datum(context.format, arguments[0].datum(row), false, state.parts);
}

Status append_array_packed(const EvalContext& context, std::span<const Vector> arguments, uint32_t row,
                           JsonAggState& state) {
  return append_msgpack_from_value(context.format, arguments[0], row, state.parts);
}

Status append_object_text(const EvalContext& context, std::span<const Vector> arguments, uint32_t row,
                          JsonAggState& state) {
  if (state.count > 0) state.parts += ", ";
  std::string key;
  RETURN_IF_ERROR(append_key_text(context.format, arguments[0], row, key));
  append_json_string(key, state.parts);
  state.parts += " : ";
  return append_json_from_datum(context.format, arguments[1].datum(row), false, state.parts);
}

Status append_object_packed(const EvalContext& context, std::span<const Vector> arguments, uint32_t row,
                            JsonAggState& state) {
  std::string key;
  RETURN_IF_ERROR(append_key_text(context.format, arguments[0], row, key));
  MsgpackWriter(state.parts).string(key);
  return append_msgpack_from_value(context.format, arguments[1], row, state.parts);
}

using AppendRow = Status (*)(const EvalContext&, std::span<const Vector>, uint32_t, JsonAggState&);

template <AppendRow kAppend>
AggregateFunction json_aggregate(decltype(AggregateFunction::finalize) finalize) {
  AggregateFunction aggregate;
  aggregate.state_size = sizeof(JsonAggState);
  aggregate.init = [](void* state) { new (state) JsonAggState(); };
  aggregate.destroy = [](void* state) { json_state(state).~JsonAggState(); };
  aggregate.update = [](const EvalContext& context, std::span<const Vector> arguments, uint32_t rows,
                        void* const* states) -> Status {
    for (uint32_t row = 0; row < rows; ++row) {
      JsonAggState& state = json_state(states[row]);
      RETURN_IF_ERROR(kAppend(context, arguments, row, state));
      ++state.count;
      RETURN_IF_ERROR(check_parts(state));
    }
    return Status();
  };
  aggregate.finalize = finalize;
  aggregate.memory_bytes = [](const void* state) {
    return static_cast<const JsonAggState*>(state)->parts.capacity();
  };
  return aggregate;
}

template <bool kIsText>
AggregateFunction combining(AggregateFunction aggregate) {
  aggregate.combine = [](const EvalContext&, void* into, void* from) -> Status {
    JsonAggState& target = json_state(into);
    const JsonAggState& source = json_state(from);
    if (kIsText && target.count > 0 && source.count > 0) target.parts += ", ";
    target.parts += source.parts;
    target.count += source.count;
    return check_parts(target);
  };
  return aggregate;
}

template <char kOpen, char kClose>
Status finish_text(const EvalContext&, void* raw, Type, Vector& result, uint32_t row) {
  const JsonAggState& state = json_state(raw);
  if (state.count == 0) return finish_null(result, row);
  const bool is_object = kOpen == '{';
  std::string text(1, kOpen);
  if (is_object) text += ' ';
  text += state.parts;
  if (is_object) text += ' ';
  text += kClose;
  result.set_string(row, text);
  return Status();
}

template <bool kIsObject>
Status finish_packed(const EvalContext&, void* raw, Type, Vector& result, uint32_t row) {
  const JsonAggState& state = json_state(raw);
  if (state.count == 0) return finish_null(result, row);
  std::string packed;
  MsgpackWriter writer(packed);
  if (kIsObject) {
    writer.map_header(state.count);
  } else {
    writer.array_header(state.count);
  }
  packed += state.parts;
  result.set_string(row, packed);
  return Status();
}

}  // namespace

void register_json_aggregates(FunctionCatalog::Builder& builder) {
  // Text of arrays has line breaks where partials meet, so it isn't put together from those.
  builder.builtin_aggregate("json_agg(anyelement)", json_aggregate<append_array_text>(finish_text<'[', ']'>));
  builder.builtin_aggregate("json_object_agg(any,any)",
                            combining<true>(json_aggregate<append_object_text>(finish_text<'{', '}'>)));
  builder.builtin_aggregate("jsonb_agg(anyelement)",
                            combining<false>(json_aggregate<append_array_packed>(finish_packed<false>)));
  builder.builtin_aggregate("jsonb_object_agg(any,any)",
                            combining<false>(json_aggregate<append_object_packed>(finish_packed<true>)));
}

}  // namespace eventd::engine
