// PostgreSQL's raw parse tree → our syntax tree. Private to pg_*.cpp.
#pragma once

#include <memory>
#include <string>
#include <unordered_set>

#include "engine/plan/ast.h"
#include "engine/plan/pg_nodes.h"
#include "engine/plan/statement.h"
#include "engine/types/type.h"
#include "result.h"

namespace eventd::engine::pg {

/// Converts one statement. Used by one thread, within libpg_query's memory context; nothing it
/// returns points into that. Refuses nesting beyond kExpressionDepthMax with 54001.
class Converter {
 public:
  /// `source` is what was parsed; it outlives the converter.
  explicit Converter(std::string_view source);

  Result<std::unique_ptr<Statement>> statement(const Node* node);

 private:
  // pg_convert_expression.cpp
  Result<AstExprPtr> expression(const Node* node);
  Result<AstExprPtr> expression_at_depth(const Node* node);
  Result<AstExprPtr> constant(const A_Const& node);
  Result<AstExprPtr> column_ref(const ColumnRef& node);
  Result<AstExprPtr> operator_chain(const A_Expr* node);
  Result<AstExprPtr> a_expr(const A_Expr& node);
  Result<AstExprPtr> bool_expr(const BoolExpr& node);
  Result<AstExprPtr> case_expr(const CaseExpr& node);
  Status append(const List* list, std::vector<AstExprPtr>& out);
  AstExprPtr make(AstExpr::Kind kind, int location) const;
  AstExprPtr unsupported(std::string what, int location) const;

  // pg_convert_call.cpp
  Result<AstExprPtr> call(const FuncCall& node);
  Result<AstExprPtr> value_function(const SQLValueFunction& node);
  Result<AstExprPtr> indirection(const A_Indirection& node);
  Result<AstExprPtr> subscript(const A_Indices& node, AstExprPtr container);
  Result<AstExprPtr> sublink(const SubLink& node);
  Result<std::unique_ptr<AstTypeName>> type_name(const TypeName& node);
  Result<std::vector<AstSortItem>> sort_items(const List* list);
  Result<AstWindow> window(const WindowDef& node);
  Result<AstWindowFrame> window_frame(const WindowDef& node);

  // pg_convert_select.cpp
  Result<SelectAstPtr> select(const SelectStmt& node);
  Result<SelectAstPtr> select_at_depth(const SelectStmt& node);
  Status select_body(const SelectStmt& node, SelectAst& out);
  Status set_operation_arms(const SelectStmt& node, SelectAst& out);
  Status group_items(const List* list, bool in_set, std::vector<AstGroupItem>& out);
  Status group_item(const Node* node, bool in_set, std::vector<AstGroupItem>& out);
  void locking_clauses(const SelectStmt& node, SelectAst& out) const;
  Status select_tail(const SelectStmt& node, SelectAst& out);

  // pg_convert_with.cpp
  Status with_clause(const WithClause& node, SelectAst& out);
  Result<AstCte> common_table(const CommonTableExpr& node);

  // pg_convert_from.cpp
  Result<AstFromItem> from_item(const Node* node);
  Result<AstFromItem> from_item_at_depth(const Node* node);
  Result<AstFromItem> from_functions(const RangeFunction& node);
  Result<AstFromItem> join(const JoinExpr& node);
  Result<std::vector<AstColumnDefinition>> column_definitions(const List* list);

  // pg_convert_statement.cpp
  Result<engine::Query> query(const Node* node);
  Result<InsertStatement> insert(const InsertStmt& node);
  Result<CopyStatement> copy(const CopyStmt& node);
  Status copy_option(const DefElem& option, CopyStatement& out);
  Result<SetStatement> set(const VariableSetStmt& node);
  Result<std::string> set_value(const List* arguments);
  Result<TransactionStatement> transaction(const TransactionStmt& node);
  Result<std::unique_ptr<Statement>> prepare(const PrepareStmt& node);
  Result<ExecuteStatement> execute(const ExecuteStmt& node);
  Result<ExplainStatement> explain(const ExplainStmt& node);
  Result<Statement> variable_set(const VariableSetStmt& node);

  /// 54001 when nesting is at its bound.
  Status check_depth() const;
  int position(int location) const;
  Error error(SqlState code, std::string message, int location) const;
  Error not_supported(std::string what, int location) const;

  std::string_view text_;
  bool ascii_;
  int depth_ = 0;
  /// Of SelectAst::names_written.
  std::shared_ptr<std::unordered_set<std::string>> names_written_ =
      std::make_shared<std::unordered_set<std::string>>();
};

/// The 54001 of a statement that is nested too deeply.
Error too_deep();
/// What a statement node is called in messages: "CREATE TABLE".
std::string statement_name(const Node* node);

// --- small readers of PostgreSQL's lists ---
inline int length_of(const List* list) { return list == nullptr ? 0 : list->length; }
inline const Node* item(const List* list, int i) {
  return static_cast<const Node*>(list->elements[i].ptr_value);
}
template <class T>
const T& as(const Node* node) {
  return *reinterpret_cast<const T*>(node);
}
inline std::string string_of(const Node* node) { return as<String>(node).sval; }
inline std::vector<std::string> strings_of(const List* list) {
  std::vector<std::string> out;
  for (int i = 0; i < length_of(list); ++i) out.push_back(string_of(item(list, i)));
  return out;
}

}  // namespace eventd::engine::pg
