// The helpers of function_test_support.h (a _test file so that the program links it).
#include "function_test_support.h"

#include <cstdlib>
#include <memory>

namespace eventd::engine {

const EvalContext& test_context() {
  static const EvalContext* context = [] {
    auto* made = new EvalContext();
    made->format.time_zone = &TimeZone::utc();
    return made;
  }();
  return *context;
}

Datum datum_of(const TextValue& value) {
  const TypeInfo* type = find_type_by_name(value.type);
  EXPECT_NE(type, nullptr) << value.type;
  if (type == nullptr) return Datum();
  if (value.is_null) return Datum::null(type->id);
  Result<Datum> datum = datum_from_text(test_context(), Type{type->id, -1}, value.text);
  EXPECT_TRUE(datum.ok()) << value.type << " " << value.text;
  return datum.ok() ? *datum : Datum::null(type->id);
}

Vector vector_of(const Datum& value, ArgumentForm form, uint32_t rows) {
  if (form == ArgumentForm::kConstant) {
    return value.is_null() ? Vector::null_constant(value.type(), rows)
                           : Vector::constant(value, rows);
  }
  const uint32_t size = form == ArgumentForm::kFlat ? rows : 2;
  Vector flat = Vector::flat(value.type(), size);
  for (uint32_t i = 0; i < size; ++i) flat.set_datum(i, value);
  if (form == ArgumentForm::kFlat) return flat;
  flat.set_null(1);
  std::shared_ptr<uint32_t[]> ids(new uint32_t[rows]());
  return Vector::dictionary(flat, ids, rows);
}

const ScalarFunction* find_overload(std::string_view name, const std::vector<Datum>& arguments) {
  const auto matches = [](Oid declared, Oid actual) {
    const bool is_array = type_info(actual).element != 0;
    if (declared == actual || declared == oid::kAny) return true;
    if (declared == oid::kAnyArray || declared == 5078) return is_array;
    return !is_array && (declared == oid::kAnyElement || declared == oid::kAnyNonArray ||
                         declared == 5077 || declared == 5079);
  };
  const ScalarFunction* polymorphic = nullptr;
  for (const ScalarFunction* function : FunctionCatalog::instance().functions(name)) {
    if (function->arguments.size() > arguments.size()) continue;
    if (function->arguments.size() < arguments.size() && !function->variadic) continue;
    bool fits = true, exact = true;
    for (size_t i = 0; i < arguments.size() && fits; ++i) {
      const Oid declared = function->arguments[std::min(i, function->arguments.size() - 1)];
      fits = matches(declared, arguments[i].type());
      exact &= declared == arguments[i].type();
    }
    if (fits && exact) return function;
    if (fits) polymorphic = function;
  }
  return polymorphic;
}

Outcome call(const ScalarFunction& function, const std::vector<Datum>& arguments,
             ArgumentForm form) {
  constexpr uint32_t kRows = 3;
  std::vector<Vector> vectors;
  std::vector<Type> types;
  std::vector<const Datum*> constants;
  for (const Datum& argument : arguments) {
    // One dictionary column against constants: the form the dictionary path is for.
    const bool first = vectors.empty();
    const ArgumentForm own =
        form == ArgumentForm::kDictionary && !first ? ArgumentForm::kConstant : form;
    vectors.push_back(vector_of(argument, own, kRows));
    types.push_back(Type{argument.type(), -1});
    constants.push_back(own == ArgumentForm::kConstant ? &argument : nullptr);
  }
  Type result_type{function.result, -1};
  if (function.resolve_result != nullptr) result_type = function.resolve_result(types);
  std::shared_ptr<const CallState> state;
  if (function.prepare != nullptr) {
    auto prepared = function.prepare(function, constants);
    if (!prepared.ok())
      return {prepared.error().message, std::string(prepared.error().code.text()), false};
    state = *prepared;
  }
  const CallFrame frame{.context = test_context(),
                        .arguments = vectors,
                        .rows = kRows,
                        .result_type = result_type,
                        .state = state.get()};
  Vector result;
  const Status status = function.kernel(frame, result);
  if (!status.ok())
    return {status.error().message, std::string(status.error().code.text()), false};
  EXPECT_EQ(result.size(), kRows);
  Outcome outcome;
  for (uint32_t row = 0; row < kRows; ++row) {
    Outcome next;
    next.is_null = result.is_null(row);
    if (!next.is_null) append_text(test_context().format, result, row, next.text);
    if (row > 0) {
      EXPECT_EQ(next, outcome) << function.name;
    }
    outcome = next;
  }
  return outcome;
}

Outcome call(std::string_view name, const std::vector<TextValue>& arguments, ArgumentForm form) {
  std::vector<Datum> datums;
  for (const TextValue& argument : arguments) datums.push_back(datum_of(argument));
  const ScalarFunction* function = find_overload(name, datums);
  if (function == nullptr) return {"no such function", "42883", false};
  return call(*function, datums, form);
}

namespace {

const AggregateFunction* find_aggregate(std::string_view name, const std::vector<Oid>& types) {
  for (const AggregateFunction* candidate : FunctionCatalog::instance().aggregates(name)) {
    if (candidate->arguments.size() != types.size()) continue;
    bool fits = true;
    for (size_t i = 0; i < types.size(); ++i) {
      const Oid declared = candidate->arguments[i];
      fits &= declared == types[i] || declared == oid::kAny || declared == oid::kAnyElement || declared == oid::kAnyNonArray ||
              (declared == oid::kAnyArray && type_info(types[i]).element != 0);
    }
    if (fits) return candidate;
  }
  return nullptr;
}

struct State {
  explicit State(const AggregateFunction& function)
      : aggregate(function), bytes(std::aligned_alloc(16, (function.state_size + 15) / 16 * 16)) {
    std::memset(bytes, 0, function.state_size);
    if (aggregate.init != nullptr) aggregate.init(bytes);
  }
  ~State() {
    if (aggregate.destroy != nullptr) aggregate.destroy(bytes);
    std::free(bytes);
  }
  const AggregateFunction& aggregate;
  void* bytes;
};

Status feed(const AggregateFunction& function, std::span<const Vector> columns, uint32_t rows,
            void* state, bool grouped) {
  if (!grouped && function.update_single != nullptr)
    return function.update_single(test_context(), columns, rows, state);
  const std::vector<void*> states(rows, state);
  return function.update(test_context(), columns, rows, states.data());
}

}  // namespace

Outcome aggregate(std::string_view name, const std::vector<std::vector<TextValue>>& columns,
                  size_t split, bool grouped) {
  std::vector<Oid> types;
  for (const auto& column : columns) types.push_back(find_type_by_name(column.at(0).type)->id);
  const AggregateFunction* function = find_aggregate(name, types);
  if (function == nullptr) return {"no such aggregate", "42883", false};
  const size_t rows = columns.empty() ? 3 : columns[0].size();
  const auto slice = [&](size_t begin, size_t end) {
    std::vector<Vector> vectors;
    for (size_t c = 0; c < columns.size(); ++c) {
      Vector vector = Vector::flat(types[c], static_cast<uint32_t>(end - begin));
      for (size_t i = begin; i < end; ++i)
        vector.set_datum(static_cast<uint32_t>(i - begin), datum_of(columns[c][i]));
      vectors.push_back(std::move(vector));
    }
    return vectors;
  };
  State first(*function), second(*function);
  Status status = feed(*function, slice(0, split), static_cast<uint32_t>(split), first.bytes, grouped);
  if (status.ok())
    status = feed(*function, slice(split, rows), static_cast<uint32_t>(rows - split), second.bytes,
                  grouped);
  if (status.ok() && split > 0) status = function->combine(test_context(), first.bytes, second.bytes);
  Type result_type{function->result, -1};
  std::vector<Type> argument_types;
  for (const Oid type : types) argument_types.push_back(Type{type, -1});
  if (function->resolve_result != nullptr) result_type = function->resolve_result(argument_types);
  Vector result = Vector::flat(result_type.id, 1);
  if (status.ok())
    status = function->finalize(test_context(), split > 0 ? first.bytes : second.bytes, result_type,
                                result, 0);
  if (!status.ok()) return {status.error().message, std::string(status.error().code.text()), false};
  Outcome outcome;
  outcome.is_null = result.is_null(0);
  if (!outcome.is_null) append_text(test_context().format, result, 0, outcome.text);
  return outcome;
}

}  // namespace eventd::engine
