// FROM → a plan, and the names its columns have.
#pragma once

#include <optional>
#include <vector>

#include "engine/plan/select_binder.h"

namespace eventd::engine {

/// One FROM item, or several joined: column i of the scope is column i of the plan.
struct FromPart {
  PlanPtr plan;
  Scope scope;
};

/// The functions of one FROM item, arguments bound.
struct FunctionRows {
  std::vector<SetCall> calls;
  std::vector<OutputColumn> call_columns;  ///< of all calls, and the ordinality
  bool ordinality = false;
  std::vector<OutputColumn> columns;       ///< of the item
  std::vector<ExprPtr> fields;             ///< their values over `call_columns`
  bool computed = false;                   ///< some are more than a column: there are definitions
  bool scalar = false;                     ///< one call with one plain value a row

  /// A column of the item that is one of the calls'.
  void add_column(std::string name, Type type);
};

/// Binds one FROM clause. One thread; borrows everything.
///
/// What a LATERAL item takes from the items to its left comes through a SubqueryFrame of its own,
/// whose arguments become those of a kApply. Functions over columns to their left are a kProjectSet
/// instead, where the join allows it.
class FromBinder {
 public:
  /// `select` is what the clause belongs to.
  FromBinder(SelectBinder& selects, const RelationResolver& relations, BindState& state,
             const SelectAst& select)
      : selects_(selects), relations_(relations), state_(state), select_(select) {}

  /// All items, one row without columns for none.
  Result<FromPart> bind(const std::vector<AstFromItem>& items, SubqueryFrame& frame);
  /// True when a recursive query's own name was among them.
  bool names_working_table() const { return names_working_table_; }

 private:
  /// How a right side is joined: `join` is the item with ON or USING, null for a comma.
  struct JoinSpec {
    JoinType type = JoinType::kInner;
    const AstFromItem* join = nullptr;
  };
  /// A right side: a plan (with arguments: for each left row), or functions over the left columns.
  struct RightSide {
    FromPart part;
    std::vector<ExprPtr> arguments;
    std::optional<FunctionRows> rows;
  };
  struct LeftScope {
    const Scope* scope;
    bool lateral_allowed;
  };

  Result<FromPart> bind_item(const AstFromItem& item, SubqueryFrame& frame);
  Result<FromPart> bind_relation(const AstFromItem& item, SubqueryFrame& frame);
  Result<PlanPtr> relation_plan(const AstFromItem& item);
  Result<FromPart> bind_subquery(const AstFromItem& item, SubqueryFrame& frame);
  Status explain_invisible(Status failure, bool lateral) const;

  // bind_join.cpp
  Result<FromPart> bind_join_item(const AstFromItem& item, SubqueryFrame& frame);
  Result<FromPart> join(FromPart left, const AstFromItem& item, JoinSpec spec,
                        SubqueryFrame& frame);
  Result<RightSide> bind_right(const Scope& left, const AstFromItem& item, JoinSpec spec,
                               SubqueryFrame& frame);
  Result<FromPart> combine(FromPart left, RightSide right, JoinSpec spec, SubqueryFrame& frame);
  Result<ExprPtr> bind_on(const AstExpr& on, const Scope& scope, SubqueryFrame& frame);
  static void move_rows_into_leaf(RightSide& right);
  bool may_be_read_as_row(const Scope& scope) const;
  void tell_presence(FromPart& side) const;

  // bind_join_using.cpp
  struct MergedColumn {
    std::string name;
    size_t left = 0, right = 0;  ///< plan columns of the join
  };
  Result<std::vector<MergedColumn>> merged_columns(const AstFromItem& join,
                                                   const std::vector<Scope::Column>& left,
                                                   const std::vector<Scope::Column>& right) const;
  Result<ExprPtr> using_condition(const std::vector<MergedColumn>& merged, const Scope& scope,
                                  SubqueryFrame& frame);
  Status merge(const AstFromItem& join, const std::vector<MergedColumn>& merged,
               const std::vector<Scope::Column>& left, const std::vector<Scope::Column>& right,
               FromPart& part);
  Result<ExprPtr> merged_value(const MergedColumn& column, JoinType type, const Scope& scope);

  // bind_from_function.cpp
  Result<FromPart> bind_functions_alone(const AstFromItem& item, SubqueryFrame& frame);
  Result<FunctionRows> bind_functions(const AstFromItem& item, QueryLevel& level);
  Status bind_function(const AstFromItem& item, size_t which, QueryLevel& level,
                       FunctionRows& rows);
  Result<bool> bind_eql_item(const AstFromItem& item, FromPart& part);

  // bind_from_record.cpp
  Status bind_record_function(const AstExpr& call,
                              const std::vector<AstColumnDefinition>& definitions,
                              QueryLevel& level, FunctionRows& rows);
  // bind_populate.cpp
  Status bind_populate(const AstExpr& ast, QueryLevel& level, FunctionRows& rows);

  SelectBinder& selects_;
  const RelationResolver& relations_;
  BindState& state_;
  const SelectAst& select_;
  bool names_working_table_ = false;
  bool lateral_active_ = false;            ///< what is bound now may name what is left of it
  std::vector<LeftScope> to_the_left_;     ///< of what is bound now, outermost first
};

/// The name a FROM item of functions has, alias or not.
std::string function_item_name(const AstFromItem& item);
/// An item of functions whose rows are those of `plan`. 42P10 for too many column aliases.
/// `scalar`: the item's row is its one value.
Result<FromPart> function_part(const AstFromItem& item, PlanPtr plan, bool scalar = false);
/// True for a call of a function that returns "record", whose columns must be defined.
bool returns_record(const AstExpr& call);
/// The functions above `child`: its columns, then those of the item. `type` kInner or kLeft.
PlanPtr functions_above(PlanPtr child, FunctionRows rows, JoinType type);
/// A plan that has the rows of the functions; their arguments are without columns.
PlanPtr function_leaf(FunctionRows rows);
/// The item's column names over those of `columns`. 42P10 for too many.
Status apply_column_aliases(const AstFromItem& item, std::vector<OutputColumn>& columns);
/// True when a column of the input occurs.
bool has_column(const Expr& expression);
/// An expression over the parent's columns as one of a subquery in `frame`.
void move_into_frame(ExprPtr& expression, SubqueryFrame& frame);

}  // namespace eventd::engine
