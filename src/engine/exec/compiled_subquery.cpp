#include "engine/exec/compiled_subquery.h"

#include <cstring>

#include "engine/exec/array_elements.h"
#include "engine/exec/outer_arguments.h"
#include "engine/exec/physical_costs.h"
#include "engine/exec/status_copy.h"
#include "engine/vector/physical_dispatch.h"

namespace eventd::engine {

namespace {

constexpr size_t kKnownBytesMax = 4 << 20;
constexpr size_t kArrayBytesMax = 0x3fffffff;  // PostgreSQL's limit of a field

std::vector<Datum> tuple_of(const std::vector<Vector>& vectors, uint32_t row) {
  std::vector<Datum> tuple;
  for (const Vector& vector : vectors) tuple.push_back(vector.datum(row));
  return tuple;
}

size_t bytes_of(const Datum& value) {
  const auto* text = std::get_if<std::string>(&value.value());
  return sizeof(Datum) + (text == nullptr ? 0 : text->capacity());
}

/// Adds the elements of one array value to an array of arrays, all of the same dimensions.
Status append_array(std::string_view bytes, bool first, std::vector<ArrayDimension>& dimensions,
                    ArrayBuilder& builder) {
  ASSIGN_OR_RETURN(ArrayReader reader, ArrayReader::open(bytes));
  if (reader.dimensions().empty()) {
    return {sqlstate::kArraySubscriptError, "cannot accumulate empty arrays"};
  }
  if (first) dimensions = reader.dimensions();
  if (reader.dimensions() != dimensions) {
    return {sqlstate::kArraySubscriptError, "cannot accumulate arrays of different dimensionality"};
  }
  if (dimensions.size() >= static_cast<size_t>(kArrayDimensionsMax)) {
    return {sqlstate::kProgramLimitExceeded, "number of array dimensions (" + std::to_string(dimensions.size() + 1) +
                                                 ") exceeds the maximum allowed (" +
                                                 std::to_string(kArrayDimensionsMax) + ")"};
  }
  for (int64_t i = 0; i < reader.element_count(); ++i) {
    if (const auto element = reader.next()) {
      builder.add(*element);
    } else {
      builder.add_null();
    }
  }
  return {};
}

}  // namespace

void append_tuple_key(const std::vector<Vector>& vectors, uint32_t row, std::string& key) {
  for (const Vector& vector : vectors) {
    const bool null = vector.is_null(row);
    key.push_back(null ? '\0' : '\1');
    if (null) continue;
    dispatch_physical(physical_of(vector.type()), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T value = vector.view<T>()[row];
      if constexpr (std::is_same_v<T, StringRef>) {
        key.append(reinterpret_cast<const char*>(&value.size), sizeof(value.size));
        key.append(value.data, value.size);
      } else {
        key.append(reinterpret_cast<const char*>(&value), sizeof(value));
      }
    });
  }
}

void Verdict::add(const Vector& results, uint32_t rows) {
  const VectorView<uint8_t> values = results.view<uint8_t>();
  for (uint32_t i = 0; i < rows && !decided_; ++i) {
    if (!values.valid(i)) {
      null_seen_ = true;
    } else if ((values[i] != 0) == any_) {
      decided_ = true;
    }
  }
}

Datum Verdict::value() const {
  if (decided_) return Datum::boolean(any_);
  return null_seen_ ? Datum::null(oid::kBool) : Datum::boolean(!any_);
}

CompiledSubquery::CompiledSubquery(const Expr& expr, InnerContext inner)
    : kind_(expr.subquery->kind), type_(expr.type.id), inner_(std::move(inner)),
      plan_(expr.subquery->plan->clone()), column_types_(types_of_columns(*plan_)),
      known_grant_(inner_.operators.memory) {}

CompiledSubquery::~CompiledSubquery() = default;

Result<std::shared_ptr<CompiledSubquery>> CompiledSubquery::compile(const Expr& expr, InnerContext inner) {
  std::shared_ptr<CompiledSubquery> compiled(new CompiledSubquery(expr, std::move(inner)));
  std::vector<bool> used;
  find_outer(compiled->plan(), used);
  compiled->correlated_ = !used.empty();
  compiled->volatile_ = plan_volatility(compiled->plan()) == Volatility::kVolatile;
  if (compiled->is_quantified()) RETURN_IF_ERROR(compiled->compile_comparison(*expr.subquery->comparison));
  if (!compiled->correlated_) {
    ASSIGN_OR_RETURN(compiled->run_, SubExecution::start(std::move(compiled->plan_), {}, compiled->inner_, false));
  }
  return compiled;
}

std::shared_ptr<const PhysicalNode> CompiledSubquery::describe() const {
  // With its kOuter in place, which nobody evaluates.
  const Result<std::unique_ptr<SubExecution>> run = SubExecution::start(plan(), {}, inner_, true);
  return run.ok() ? (*run)->physical() : nullptr;
}

Status CompiledSubquery::compile_comparison(const Expr& comparison) {
  comparison_expr_ = outer_as_columns(comparison, static_cast<int>(column_types_.size()));
  ASSIGN_OR_RETURN(comparison_, CompiledExpression::compile(*comparison_expr_, *inner_.operators.eval));
  return {};
}

Status CompiledSubquery::run_once() {
  const std::lock_guard lock(mutex_);
  if (done_) return copy_of(status_);
  status_ = [&]() -> Status {
    if (is_quantified()) return materialize();
    ASSIGN_OR_RETURN(value_, read(*run_, {}));
    return {};
  }();
  run_->close();
  run_.reset();
  done_ = true;
  return copy_of(status_);
}

Status CompiledSubquery::materialize() {
  rows_ = std::make_unique<KeptRows>(column_types_, inner_.operators.memory);
  for (;;) {
    Batch batch;
    ASSIGN_OR_RETURN(const bool more, run_->next(batch));
    if (!more) break;
    RETURN_IF_ERROR(rows_->add(std::move(batch)));
  }
  RETURN_IF_ERROR(rows_->flush());
  if (kind_ != Kind::kAny) return {};
  ASSIGN_OR_RETURN(set_, SubquerySet::build(*comparison_expr_, *rows_, static_cast<int>(column_types_.size()),
                                            inner_.operators));
  return {};
}

Status CompiledSubquery::evaluate(const std::vector<Vector>& arguments, uint32_t rows, Vector& out) {
  if (correlated_) return evaluate_by_tuple(arguments, rows, out);
  RETURN_IF_ERROR(run_once());
  if (!is_quantified()) {
    out = Vector::constant(value_, rows);
    out.set_type(type_);
    return {};
  }
  return set_ != nullptr ? evaluate_set(arguments, rows, out) : evaluate_by_tuple(arguments, rows, out);
}

Status CompiledSubquery::evaluate_set(const std::vector<Vector>& arguments, uint32_t rows, Vector& out) {
  out = Vector::flat(oid::kBool, rows);
  std::vector<uint32_t> open;
  RETURN_IF_ERROR(set_->probe(arguments, rows, out, open));
  for (const uint32_t row : open) {
    ASSIGN_OR_RETURN(const Datum value, value_of(arguments, row));
    out.set_datum(row, value);
  }
  return {};
}

Status CompiledSubquery::evaluate_by_tuple(const std::vector<Vector>& arguments, uint32_t rows, Vector& out) {
  bool constant = !volatile_;
  for (const Vector& argument : arguments) constant = constant && argument.form() == Vector::Form::kConstant;
  const uint32_t all = rows;
  if (constant && rows > 1) rows = 1;
  std::unordered_map<std::string, uint32_t> tuples;
  std::vector<Datum> values;
  std::shared_ptr<uint32_t[]> ids(new uint32_t[rows]);
  std::string key;
  for (uint32_t i = 0; i < rows; ++i) {
    key.clear();
    append_tuple_key(arguments, i, key);
    if (volatile_) key.append(reinterpret_cast<const char*>(&i), sizeof(i));
    const auto [at, added] = tuples.try_emplace(key, static_cast<uint32_t>(values.size()));
    if (added) {
      ASSIGN_OR_RETURN(Datum value, value_of(arguments, i));
      values.push_back(std::move(value));
    }
    ids[i] = at->second;
  }
  const auto count = static_cast<uint32_t>(values.size());
  Vector distinct = Vector::flat(type_, count);
  for (uint32_t i = 0; i < count; ++i) distinct.set_datum(i, values[i]);
  out = count == 1 ? Vector::repeat(distinct, 0, all)
                   : Vector::dictionary(distinct, std::move(ids), rows);
  return {};
}

Result<Datum> CompiledSubquery::value_of(const std::vector<Vector>& arguments, uint32_t row) {
  if (volatile_ && correlated_) return run_for(tuple_of(arguments, row));
  std::string key;
  append_tuple_key(arguments, row, key);
  {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(key);
    if (found != known_.end()) return found->second;
  }
  const std::vector<Datum> tuple = tuple_of(arguments, row);
  ASSIGN_OR_RETURN(Datum value, correlated_ ? run_for(tuple) : compare_all(*rows_, tuple));
  const std::lock_guard lock(mutex_);
  const size_t bytes = 64 + key.capacity() + bytes_of(value);
  if (known_bytes_ + bytes > kKnownBytesMax || !known_grant_.try_ensure(known_bytes_ + bytes)) {
    known_.clear();
    known_grant_.reset();
    known_bytes_ = 0;
    if (bytes > kKnownBytesMax || !known_grant_.try_ensure(bytes)) return value;
  }
  if (known_.emplace(std::move(key), value).second) known_bytes_ += bytes;
  return value;
}

Result<Datum> CompiledSubquery::run_for(std::span<const Datum> arguments) {
  if (inner_.operators.cancel != nullptr) RETURN_IF_ERROR(inner_.operators.cancel->check());
  ASSIGN_OR_RETURN(const auto run, SubExecution::start(plan(), arguments, inner_, true));
  return read(*run, arguments);
}

Result<Datum> CompiledSubquery::read(SubExecution& run, std::span<const Datum> arguments) {
  if (kind_ == Kind::kArray) return read_array(run);
  Batch batch;
  if (kind_ == Kind::kExists) {
    ASSIGN_OR_RETURN(const bool more, run.next(batch));
    return Datum::boolean(more);
  }
  if (is_quantified()) {
    Verdict verdict(kind_ == Kind::kAny);
    while (!verdict.decided()) {
      ASSIGN_OR_RETURN(const bool more, run.next(batch));
      if (!more) break;
      RETURN_IF_ERROR(compare(batch, arguments, verdict));
    }
    return verdict.value();
  }
  ASSIGN_OR_RETURN(const bool more, run.next(batch));
  if (!more) return Datum::null(type_);
  Datum value = batch.columns[0].datum(0);
  bool several = batch.size > 1;
  if (!several) {
    ASSIGN_OR_RETURN(several, run.next(batch));
  }
  if (several) {
    return Status(sqlstate::kCardinalityViolation,
                  "more than one row returned by a subquery used as an expression");
  }
  return value;
}

Status CompiledSubquery::compare(const Batch& rows, std::span<const Datum> arguments, Verdict& verdict) const {
  Batch both = rows;
  for (const Datum& argument : arguments) both.columns.push_back(Vector::constant(argument, rows.size));
  ASSIGN_OR_RETURN(const Vector results, comparison_->evaluate(both, *inner_.operators.eval));
  verdict.add(results, rows.size);
  return {};
}

Result<Datum> CompiledSubquery::compare_all(const KeptRows& rows, std::span<const Datum> arguments) const {
  Verdict verdict(kind_ == Kind::kAny);
  for (size_t i = 0; i < rows.batch_count() && !verdict.decided(); ++i) {
    if (inner_.operators.cancel != nullptr) RETURN_IF_ERROR(inner_.operators.cancel->check());
    RETURN_IF_ERROR(compare(rows.batch(i), arguments, verdict));
  }
  return verdict.value();
}

Result<Datum> CompiledSubquery::read_array(SubExecution& run) {
  const Oid column_type = column_types_[0];
  const bool nested = type_info(column_type).category == 'A';
  ArrayBuilder builder(nested ? type_info(column_type).element : column_type);
  std::vector<ArrayDimension> inner;
  MemoryGrant grant(inner_.operators.memory);
  size_t bytes = 0;
  int32_t count = 0;
  for (;;) {
    Batch batch;
    ASSIGN_OR_RETURN(const bool more, run.next(batch));
    if (!more) break;
    const Vector& column = batch.columns[0];
    for (uint32_t i = 0; i < batch.size; ++i, ++count) {
      if (!nested) {
        append_element(column, i, builder);
      } else {
        if (column.is_null(i)) return Status(sqlstate::kNullValueNotAllowed, "cannot accumulate null arrays");
        RETURN_IF_ERROR(append_array(column.view<StringRef>()[i].view(), count == 0, inner, builder));
      }
    }
    bytes += column.memory_bytes();
    RETURN_IF_ERROR(grant.ensure(bytes));
    if (bytes > kArrayBytesMax) return Status(sqlstate::kProgramLimitExceeded, "array size exceeds the maximum allowed");
  }
  if (!nested || count == 0) return Datum(type_, builder.finish());
  inner.insert(inner.begin(), ArrayDimension{count, 1});
  return Datum(type_, builder.finish(inner));
}

}  // namespace eventd::engine
