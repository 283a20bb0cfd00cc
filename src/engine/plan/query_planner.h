// Text → statement → bound logical plan. The front door of engine/plan.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/functions/eval_context.h"
#include "engine/plan/logical_plan.h"
#include "engine/plan/statement.h"
#include "result.h"

namespace eventd::engine {

/// Finds relations by name. Implemented by the catalog. Views (Relation::definition()) live as long
/// as the resolver, all others outlive every plan.
class RelationResolver {
 public:
  virtual ~RelationResolver() = default;
  /// `schema` empty = search_path. Null if there is none (the binder says 42P01).
  virtual const Relation* find_relation(std::string_view schema, std::string_view name) const = 0;
  /// The SQL type that holds the payload field `path` of the events whose type matches `pattern` (of
  /// EQL; nullopt = all): bool, int8, float8, text, bytea or jsonb; nullopt = unknown.
  virtual std::optional<Oid> payload_type(const std::optional<std::string>& pattern,
                                          std::span<const std::string> path) const {
    (void)pattern, (void)path;
    return std::nullopt;
  }
  /// Asked while binding takes long; may be null.
  virtual const CancelToken* cancel() const { return nullptr; }
};

/// A query whose names and types are known. Parameters are still kParameter.
struct BoundQuery {
  PlanPtr plan;
  std::vector<OutputColumn> columns;
  /// Type of $1, $2 …: as declared, else inferred.
  std::vector<Oid> parameter_types;
};

/// One statement of a (possibly multi-statement) text. A view into that text.
struct StatementText {
  std::string_view text;  ///< without the separating semicolon and leading blanks/comments
  size_t offset = 0;      ///< byte offset of `text` in the whole, for error positions
};

/// Cuts a query string at its top-level semicolons (quotes, dollar quotes, comments, EQL bodies
/// respected). Empty statements are left out. 42601 for an unterminated quote or comment.
Result<std::vector<StatementText>> split_statements(std::string_view sql);

/// Parses one statement: SQL by PostgreSQL's grammar, EQL and our own extensions by ours.
/// Errors carry a 1-based character position within `text`.
Result<std::unique_ptr<Statement>> parse_statement(std::string_view text);

/// Binds a SELECT/VALUES/TABLE or EQL query. `declared` may be shorter than the parameters used;
/// 0 = infer. Constant folding of stable functions is NOT done here.
Result<BoundQuery> bind_query(const Query& query, const RelationResolver& relations,
                              std::span<const Oid> declared);

/// Binds the rows an INSERT delivers: the plan's columns are the target's `insert.columns` (all
/// columns when empty: the first ones when fewer values are given), coerced by assignment to their
/// types; parameters take the column's type. Errors: 42703, 42701, 42601 (more or fewer values),
/// 42804. `insert.source` must not be empty.
Result<BoundQuery> bind_insert(const InsertStatement& insert, const Relation& target,
                               const RelationResolver& relations, std::span<const Oid> declared);

/// The parameter values of EXECUTE, coerced to `types` by assignment. 42601 for a wrong count.
Result<std::vector<Datum>> evaluate_arguments(const ExecuteStatement& execute,
                                              std::span<const Oid> types,
                                              const EvalContext& context);

/// Makes the plan of one execution: parameters replaced, constants and stable functions folded
/// with `context`, rules applied (pushdown, column pruning, payload path extraction, ordered scan
/// and top-k, partial aggregation hints). `plan` is consumed: pass a clone() of a prepared one.
Result<PlanPtr> optimize(PlanPtr plan, std::span<const Datum> parameters,
                         const EvalContext& context);

}  // namespace eventd::engine
