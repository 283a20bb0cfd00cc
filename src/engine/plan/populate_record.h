// json(b)_populate_record(row, json) and json(b)_populate_recordset(row, json): the row, or one for
// each element of an array, with the members of JSON objects.
#pragma once

#include <string>
#include <string_view>

#include "engine/plan/expression_binder.h"

namespace eventd::engine {

struct PopulateFunction {
  std::string_view name;
  bool set;
  Oid json;  ///< json or jsonb
};

/// Null for a call of anything else.
const PopulateFunction* populate_function(const AstExpr& call);

/// What such a call is bound to.
struct PopulateCall {
  ExprPtr base;  ///< a row whose fields are at hand: row_inside()
  /// jsonb: the object, or the array; 22023 where it is something else.
  ExprPtr json;
};
Result<PopulateCall> bind_populate_call(const AstExpr& call, ExpressionBinder& binder,
                                        BindState& state);
/// An element of the array, if it is an object; else 22023.
Result<ExprPtr> populate_element(const PopulateFunction& function, ExprPtr element,
                                 ExpressionBinder& binder);
/// Field `index` of the row: the member of `object` (jsonb) of its name, `otherwise` without one.
Result<ExprPtr> populated_field(const Expr& row, size_t index, const Expr& object,
                                ExprPtr otherwise, BindState& state);

/// The member `name` of an object (json or jsonb) as a value of `type`: JSON as it is, everything
/// else by the input function of its text. 0A000 for arrays, at `position`.
Result<ExprPtr> json_member(const std::string& name, Type type, const Expr& object, int position,
                            BindState& state);

}  // namespace eventd::engine
