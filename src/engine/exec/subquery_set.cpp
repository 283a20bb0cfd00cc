#include "engine/exec/subquery_set.h"

#include "engine/exec/join_plan.h"

namespace eventd::engine {

Result<std::unique_ptr<SubquerySet>> SubquerySet::build(const Expr& comparison, const KeptRows& rows, int columns,
                                                        const OperatorContext& context) {
  std::unique_ptr<SubquerySet> set(new SubquerySet(context));
  set->condition_ = split_join_condition(&comparison, columns);
  if (set->condition_.keys.empty() || set->condition_.residual != nullptr) {
    return std::unique_ptr<SubquerySet>();
  }
  for (const JoinKey& key : set->condition_.keys) {
    if (key.nulls_equal) return std::unique_ptr<SubquerySet>();
    ASSIGN_OR_RETURN(auto row_key, CompiledExpression::compile(*key.left, *context.eval));
    ASSIGN_OR_RETURN(auto argument_key, CompiledExpression::compile(*key.right, *context.eval));
    set->row_keys_.push_back(std::move(row_key));
    set->argument_keys_.push_back(std::move(argument_key));
    set->layout_.key_types.push_back(key.left->type.id);
    set->layout_.key_columns.push_back(-1);
    set->layout_.nulls_equal.push_back(0);
  }
  RETURN_IF_ERROR(set->fill(rows));
  return set;
}

Status SubquerySet::fill(const KeptRows& rows) {
  table_ = std::make_unique<JoinTable>(layout_);
  for (size_t b = 0; b < rows.batch_count(); ++b) {
    const Batch& batch = rows.batch(b);
    has_rows_ = true;
    ASSIGN_OR_RETURN(const std::vector<Vector> keys, evaluate_all(row_keys_, batch, *context_.eval));
    for (const Vector& key : keys) {
      for (uint32_t i = 0; i < batch.size && !has_nulls_; ++i) has_nulls_ = key.is_null(i);
    }
    RETURN_IF_ERROR(table_->add({}, keys, batch.size));
    RETURN_IF_ERROR(grant_.ensure(table_->memory_bytes() + table_->table_bytes_expected()));
  }
  return table_->finish(context_.cancel);
}

Status SubquerySet::probe(const std::vector<Vector>& arguments, uint32_t rows, Vector& out,
                          std::vector<uint32_t>& open) const {
  Batch batch;
  batch.columns = arguments;
  batch.size = rows;
  ASSIGN_OR_RETURN(const std::vector<Vector> keys, evaluate_all(argument_keys_, batch, *context_.eval));
  std::vector<uint32_t> first(rows);
  JoinTable::ProbeCache cache;
  table_->probe(keys, rows, cache, first.data());
  uint8_t* to = out.data<uint8_t>();
  for (uint32_t i = 0; i < rows; ++i) {
    to[i] = first[i] != JoinTable::kNone ? 1 : 0;
    if (to[i] != 0 || !has_rows_) continue;
    bool null = false;
    for (const Vector& key : keys) null = null || key.is_null(i);
    if (!null && !has_nulls_) continue;
    if (keys.size() == 1) {
      out.set_null(i);
    } else {
      open.push_back(i);
    }
  }
  return {};
}

}  // namespace eventd::engine
