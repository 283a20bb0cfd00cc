#include "engine/plan/recursion_columns.h"

#include <algorithm>

#include "engine/plan/coercion.h"

namespace eventd::engine {
namespace {

bool has_column_named(const std::vector<OutputColumn>& columns, const std::string& name) {
  return std::any_of(columns.begin(), columns.end(),
                     [&](const OutputColumn& column) { return column.name == name; });
}

// The columns of BY and of CYCLE are some of the query's, each once.
Status check_listed(const char* clause, const std::vector<std::string>& names,
                    const std::vector<OutputColumn>& columns, int position) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (!has_column_named(columns, names[i])) {
      return bind_error(sqlstate::kSyntaxError,
                        std::string(clause) + " column \"" + names[i] +
                            "\" not in WITH query column list",
                        position);
    }
    if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), names[i]) !=
        names.begin() + static_cast<std::ptrdiff_t>(i)) {
      return bind_error(sqlstate::kDuplicateColumn,
                        std::string(clause) + " column \"" + names[i] + "\" specified more than once",
                        position);
    }
  }
  return {};
}

Status check_new(const char* what, const std::string& name,
                 const std::vector<OutputColumn>& columns, int position) {
  if (!has_column_named(columns, name)) return {};
  return bind_error(sqlstate::kSyntaxError,
                    std::string(what) + " column name \"" + name +
                        "\" already used in WITH query column list",
                    position);
}

Status check_different(const std::string& a, const std::string& b, const char* message,
                       int position) {
  if (a != b) return {};
  return bind_error(sqlstate::kSyntaxError, message, position);
}

// ROW(columns named), over the first columns of the projection's child.
ExprPtr row_of(const std::vector<std::string>& names, const std::vector<OutputColumn>& columns,
               ExprPtr first = nullptr) {
  auto row = std::make_unique<Expr>();
  row->kind = Expr::Kind::kRow;
  row->type = {oid::kRecord, -1};
  const auto add = [&](ExprPtr field) {
    row->children.push_back(std::move(field));
    row->path.push_back("f" + std::to_string(row->children.size()));
  };
  if (first != nullptr) add(std::move(first));
  for (const std::string& name : names) {
    size_t i = 0;
    while (columns[i].name != name) ++i;
    add(Expr::column(static_cast<int>(i), columns[i].type));
  }
  return row;
}

ExprPtr array_of(ExprPtr row) {
  auto array = std::make_unique<Expr>();
  array->kind = Expr::Kind::kArray;
  array->type = {kRecordArray, -1};
  array->children.push_back(std::move(row));
  return array;
}

ExprPtr int8_constant(int64_t value) {
  return Expr::constant_of(Datum(oid::kInt8, value), {oid::kInt8, -1});
}

void add_column(PlanNode& project, const OutputColumn& column, ExprPtr value) {
  project.columns.push_back({column.name, column.type, 0, 0});
  project.expressions.push_back(std::move(value));
}

}  // namespace

Status check_search_and_cycle(const AstCte& ast, const std::vector<OutputColumn>& columns) {
  if (ast.search != nullptr) {
    const AstCte::Search& search = *ast.search;
    RETURN_IF_ERROR(check_listed("search", search.columns, columns, search.position));
    RETURN_IF_ERROR(
        check_new("search sequence", search.sequence_column, columns, search.position));
  }
  if (ast.cycle == nullptr) return {};
  const AstCte::Cycle& cycle = *ast.cycle;
  RETURN_IF_ERROR(check_listed("cycle", cycle.columns, columns, cycle.position));
  RETURN_IF_ERROR(check_new("cycle mark", cycle.mark_column, columns, cycle.position));
  RETURN_IF_ERROR(check_new("cycle path", cycle.path_column, columns, cycle.position));
  RETURN_IF_ERROR(check_different(cycle.mark_column, cycle.path_column,
                                  "cycle mark column name and cycle path column name are the same",
                                  cycle.position));
  if (ast.search == nullptr) return {};
  RETURN_IF_ERROR(check_different(
      ast.search->sequence_column, cycle.mark_column,
      "search sequence column name and cycle mark column name are the same", ast.search->position));
  return check_different(ast.search->sequence_column, cycle.path_column,
                         "search sequence column name and cycle path column name are the same",
                         ast.search->position);
}

Result<CycleMarks> bind_cycle_marks(const AstCte::Cycle& cycle, BindState& state) {
  SubqueryFrame frame;
  QueryLevel level(frame);
  ExpressionBinder binder(state, level, "CYCLE");
  std::vector<ExprPtr> pair(2);
  ASSIGN_OR_RETURN(pair[0], binder.bind(*cycle.mark_value));
  ASSIGN_OR_RETURN(pair[1], binder.bind(*cycle.mark_default));
  ASSIGN_OR_RETURN(const Oid type, common_type(pair, "CYCLE"));
  RETURN_IF_ERROR(coerce_all(pair, type, "CYCLE/SET/TO", state.parameters));
  return CycleMarks{std::move(pair[0]), std::move(pair[1])};
}

Status add_first_round(const AstCte& ast, const std::vector<OutputColumn>& columns,
                       const std::vector<OutputColumn>& hidden, PlanNode& project,
                       BindState& state) {
  size_t next = 0;
  if (ast.search != nullptr) {
    const AstCte::Search& search = *ast.search;
    add_column(project, hidden[next++],
               search.breadth_first ? row_of(search.columns, columns, int8_constant(0))
                                    : array_of(row_of(search.columns, columns)));
  }
  if (ast.cycle != nullptr) {
    ASSIGN_OR_RETURN(CycleMarks marks, bind_cycle_marks(*ast.cycle, state));
    add_column(project, hidden[next++], std::move(marks.otherwise));
    add_column(project, hidden[next++], array_of(row_of(ast.cycle->columns, columns)));
  }
  return {};
}

Status add_next_round(const AstCte& ast, const std::vector<OutputColumn>& columns,
                      const std::vector<OutputColumn>& hidden, PlanNode& project,
                      BindState& state) {
  SubqueryFrame frame;
  QueryLevel level(frame);
  ExpressionBinder binder(state, level, "SELECT");
  size_t next = 0;
  const auto before = [&](size_t i) {
    return Expr::column(static_cast<int>(columns.size() + i), hidden[i].type);
  };
  const auto appended = [&](size_t i, const std::vector<std::string>& names) {
    std::vector<ExprPtr> arguments;
    arguments.push_back(before(i));
    arguments.push_back(row_of(names, columns));
    return binder.bind_function("array_append", std::move(arguments), 0);
  };
  if (ast.search != nullptr && ast.search->breadth_first) {
    auto depth = std::make_unique<Expr>();
    depth->kind = Expr::Kind::kField;
    depth->type = {oid::kInt8, -1};
    depth->index = 0;
    depth->children.push_back(before(next));
    ASSIGN_OR_RETURN(ExprPtr deeper,
                     binder.bind_operator("+", std::move(depth), int8_constant(1), 0));
    add_column(project, hidden[next], row_of(ast.search->columns, columns, std::move(deeper)));
    ++next;
  } else if (ast.search != nullptr) {
    ASSIGN_OR_RETURN(ExprPtr path, appended(next, ast.search->columns));
    add_column(project, hidden[next++], std::move(path));
  }
  if (ast.cycle == nullptr) return {};
  ASSIGN_OR_RETURN(CycleMarks marks, bind_cycle_marks(*ast.cycle, state));
  const Operator* equal =
      FunctionCatalog::instance().find_operator("=", oid::kRecord, oid::kRecord);
  if (equal == nullptr) return not_supported_yet("CYCLE", ast.cycle->position);
  auto met = std::make_unique<Expr>();
  met->kind = Expr::Kind::kAnyArray;
  met->type = {oid::kBool, -1};
  met->function = equal->function;
  met->children.push_back(row_of(ast.cycle->columns, columns));
  met->children.push_back(before(next + 1));
  auto mark = std::make_unique<Expr>();
  mark->kind = Expr::Kind::kCase;
  mark->type = hidden[next].type;
  mark->children.push_back(std::move(met));
  mark->children.push_back(std::move(marks.value));
  mark->children.push_back(std::move(marks.otherwise));
  add_column(project, hidden[next], std::move(mark));
  ASSIGN_OR_RETURN(ExprPtr path, appended(next + 1, ast.cycle->columns));
  add_column(project, hidden[next + 1], std::move(path));
  return {};
}

}  // namespace eventd::engine
