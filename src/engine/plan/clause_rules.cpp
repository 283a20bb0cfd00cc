#include "engine/plan/clause_rules.h"

#include <string>

namespace eventd::engine {
namespace {

Error refused(SqlState code, std::string message, int position) {
  return {code, std::move(message), {}, {}, {}, position};
}

// The name within "… are not allowed in %s".
std::string place(const Clause& clause) {
  if (clause.name == "JOIN/ON") return "JOIN conditions";
  if (clause.name == "function in FROM") return "functions in FROM";
  return std::string(clause.name);
}

bool is_window_definition(const Clause& clause) { return clause.name.starts_with("window "); }

}  // namespace

Status check_aggregate_allowed(const Clause& clause, int position, bool grouping) {
  if (clause.aggregates) return {};
  const std::string what = grouping ? "grouping operations" : "aggregate functions";
  std::string where = place(clause);
  if (where == "FROM") where = "FROM clause of their own query level";
  return refused(sqlstate::kGroupingError, what + " are not allowed in " + where, position);
}

Status check_window_allowed(const Clause& clause, int position) {
  if (clause.windows) return {};
  return refused(sqlstate::kWindowingError,
                 "window functions are not allowed in " +
                     (is_window_definition(clause) ? "window definitions" : place(clause)),
                 position);
}

Status check_set_function_allowed(const Clause& clause, int position) {
  if (clause.set_functions) return {};
  if (place(clause) == "functions in FROM") {
    return refused(sqlstate::kFeatureNotSupported,
                   "set-returning functions must appear at top level of FROM", position);
  }
  return refused(sqlstate::kFeatureNotSupported,
                 "set-returning functions are not allowed in " +
                     (is_window_definition(clause) ? "window definitions" : place(clause)),
                 position);
}

Error set_function_inside(std::string_view message, int position) {
  Error error = refused(sqlstate::kFeatureNotSupported, std::string(message), position);
  error.hint = "You might be able to move the set-returning function into a LATERAL FROM item.";
  return error;
}

}  // namespace eventd::engine
