#include "engine/exec/sort_order.h"

#include <algorithm>
#include <cmath>

#include "bytes.h"
#include "engine/exec/sort_prefix.h"
#include "engine/functions/function.h"
#include "engine/payload/msgpack_reader.h"
#include "engine/vector/physical_dispatch.h"

namespace eventd::engine {

namespace {

constexpr uint32_t kNullsFirst = 0, kValue = 1, kNanLast = 2, kNullsLast = 3;

/// Where EQL's order puts a value: NaN behind the others, JSON's null with the missing ones.
uint32_t eql_rank(Oid, double value) { return std::isnan(value) ? kNanLast : kValue; }
uint32_t eql_rank(Oid type, const StringRef& value) {
  if (type == oid::kNumeric) return value.view() == "NaN" ? kNanLast : kValue;
  if (type != oid::kJsonb) return kValue;
  MsgpackToken token;
  if (!MsgpackReader(as_bytes(value.view())).next(token)) return kNullsLast;
  if (token.kind == MsgpackKind::kNil) return kNullsLast;
  return token.kind == MsgpackKind::kFloat ? eql_rank(type, token.real) : kValue;
}

uint32_t eql_rank(const Vector& vector, uint32_t row) {
  const Oid type = vector.type();
  switch (physical_of(type)) {
    case Physical::kFloat32: return eql_rank(type, static_cast<double>(vector.view<float>()[row]));
    case Physical::kFloat64: return eql_rank(type, vector.view<double>()[row]);
    case Physical::kBytes: return eql_rank(type, vector.view<StringRef>()[row]);
    default: return kValue;
  }
}

}  // namespace

Result<std::shared_ptr<const SortOrder>> SortOrder::compile(const std::vector<SortKey>& keys,
                                                            const EvalContext& context) {
  auto order = std::make_shared<SortOrder>();
  for (const SortKey& key : keys) {
    ASSIGN_OR_RETURN(auto expression, CompiledExpression::compile(*key.expression, context));
    const Oid type = key.expression->type.id;
    const Compare compare = physical_of(type) == Physical::kInt64 ? Compare::kInt64
                            : is_byte_ordered(type)               ? Compare::kBytes
                                                                  : Compare::kGeneric;
    order->keys_.push_back(
        {std::move(expression), type, compare, key.descending, key.nulls_first, key.eql_order});
  }
  order->leading_is_complete_ = keys.size() == 1 && prefix_is_whole(order->keys_[0].type);
  return std::shared_ptr<const SortOrder>(std::move(order));
}

Result<std::vector<Vector>> SortOrder::keys(const Batch& batch, const EvalContext& context) const {
  std::vector<Vector> result;
  result.reserve(keys_.size());
  for (const Key& key : keys_) {
    ASSIGN_OR_RETURN(Vector vector, key.expression->evaluate(batch, context));
    result.push_back(std::move(vector));
  }
  return result;
}

void SortOrder::add_spilled_keys(const std::vector<Vector>& keys, Batch& batch) const {
  for (size_t k = 0; k < keys_.size(); ++k) {
    if (!is_column(keys_[k])) batch.columns.push_back(keys[k]);
  }
}

size_t SortOrder::spilled_key_count() const {
  return static_cast<size_t>(
      std::count_if(keys_.begin(), keys_.end(), [this](const Key& key) { return !is_column(key); }));
}

Result<std::vector<Vector>> SortOrder::spilled_keys(const Batch& batch, const EvalContext& context) const {
  std::vector<Vector> result;
  size_t added = batch.columns.size() - spilled_key_count();
  for (const Key& key : keys_) {
    if (is_column(key)) {
      ASSIGN_OR_RETURN(Vector vector, key.expression->evaluate(batch, context));
      result.push_back(std::move(vector));
    } else {
      result.push_back(batch.columns[added++]);
    }
  }
  return result;
}

uint32_t SortOrder::rank(const Key& key, const Vector& vector, uint32_t row) const {
  if (vector.is_null(row)) return key.nulls_first ? kNullsFirst : kNullsLast;
  return key.eql_order ? eql_rank(vector, row) : kValue;
}

int SortOrder::compare_key(const Key& key, const Vector& a, uint32_t i, const Vector& b, uint32_t j) {
  switch (key.compare) {
    case Compare::kInt64: {
      const int64_t left = a.view<int64_t>()[i], right = b.view<int64_t>()[j];
      return left < right ? -1 : left > right ? 1 : 0;
    }
    case Compare::kBytes: {
      const int order = a.view<StringRef>()[i].view().compare(b.view<StringRef>()[j].view());
      return order < 0 ? -1 : order > 0 ? 1 : 0;
    }
    case Compare::kGeneric: break;
  }
  return compare_values(key.type, a, i, b, j);
}

int SortOrder::compare(const std::vector<Vector>& a, uint32_t i, const std::vector<Vector>& b,
                       uint32_t j) const {
  for (size_t k = 0; k < keys_.size(); ++k) {
    const int order = compare_one(k, a[k], i, b[k], j);
    if (order != 0) return order;
  }
  return 0;
}

int SortOrder::compare_one(size_t k, const Vector& a, uint32_t i, const Vector& b, uint32_t j) const {
  const Key& key = keys_[k];
  const uint32_t left = rank(key, a, i), right = rank(key, b, j);
  if (left != right) return left < right ? -1 : 1;
  if (left != kValue) return 0;
  const int order = compare_key(key, a, i, b, j);
  return key.descending ? -order : order;
}

void SortOrder::leading(const Vector& vector, Leading* out) const {
  const Key& key = keys_.front();
  const uint64_t flip = key.descending ? ~uint64_t{0} : 0;
  dispatch_physical(physical_of(key.type), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const VectorView<T> values = vector.view<T>();
    const Oid type = key.type;
    for (uint32_t i = 0; i < vector.size(); ++i) {
      if (!values.valid(i)) {
        out[i] = {0, key.nulls_first ? kNullsFirst : kNullsLast};
        continue;
      }
      if constexpr (std::is_floating_point_v<T>) {
        const uint32_t place = key.eql_order ? eql_rank(type, static_cast<double>(values[i])) : kValue;
        if (place != kValue) {
          out[i] = {0, place};
          continue;
        }
      }
      if constexpr (std::is_same_v<T, StringRef>) {
        const uint32_t place = key.eql_order ? eql_rank(type, values[i]) : kValue;
        if (place != kValue) {
          out[i] = {0, place};
          continue;
        }
      }
      out[i] = {prefix_of<T>(type, values[i]) ^ flip, kValue};
    }
  });
}

}  // namespace eventd::engine
