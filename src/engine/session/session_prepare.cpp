// Text → Prepared: the part of a session that names and types statements.
#include <algorithm>

#include "engine/limits.h"
#include "engine/scan/cancel_scope.h"
#include "engine/session/bind_catalog.h"
#include "engine/session/insert_returning.h"
#include "engine/session/planning_effort.h"
#include "engine/session/session_impl.h"
#include "engine/session/statement_checks.h"

namespace eventd::engine {

namespace {

// What is bound the same in every session. (EXECUTE and SHOW look into theirs.)
bool is_cacheable(const Prepared& prepared) {
  if (prepared.statement == nullptr) return false;
  const auto& node = prepared.statement->node;
  return std::holds_alternative<Query>(node) || std::holds_alternative<InsertStatement>(node) ||
         std::holds_alternative<CopyStatement>(node) || std::holds_alternative<TransactionStatement>(node) ||
         std::holds_alternative<SetStatement>(node);
}

bool same_columns(const std::vector<OutputColumn>& a, const std::vector<OutputColumn>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const OutputColumn& x, const OutputColumn& y) {
    return x.name == y.name && x.type == y.type;
  });
}

}  // namespace

Result<std::shared_ptr<const Prepared>> SessionImpl::prepare(std::string_view text,
                                                             std::span<const Oid> declared) {
  // A failed transaction refuses most statements; those it takes are cheap.
  if (text.size() > PlanCache::kTextBytesMax || transaction_.is_failed()) return prepare_text(text, declared);
  const PlanKey key{text, declared, hot_settings().search_path, identity_.role};
  if (auto cached = engine_.plans.find(key, engine_.relations.generation())) return cached;
  ASSIGN_OR_RETURN(auto prepared, prepare_text(text, declared));
  if (is_cacheable(*prepared)) engine_.plans.add(key, prepared);
  return prepared;
}

Result<std::shared_ptr<const Prepared>> SessionImpl::up_to_date(std::shared_ptr<const Prepared> prepared) {
  const bool same_path = !prepared->search_path || *prepared->search_path == hot_settings().search_path;
  const bool same_catalog =
      prepared->generation == 0 || prepared->generation == engine_.relations.generation();
  if (same_path && same_catalog) return prepared;
  ASSIGN_OR_RETURN(auto fresh, prepare_statement(prepared->statement, prepared->parameter_types));
  if (!same_columns(prepared->columns, fresh->columns)) {
    return Status(sqlstate::kFeatureNotSupported, "cached plan must not change result type");
  }
  for (auto& [name, kept] : prepared_) {
    if (kept == prepared) kept = fresh;
  }
  return fresh;
}

Result<std::shared_ptr<const Prepared>> SessionImpl::prepare_text(std::string_view text,
                                                                  std::span<const Oid> declared) {
  const CancelScope cancel(&cancel_);
  ASSIGN_OR_RETURN(auto pieces, split_statements(text));
  if (pieces.empty()) return std::make_shared<const Prepared>();
  if (pieces.size() > 1) {
    return Status(sqlstate::kSyntaxError, "cannot insert multiple commands into a prepared statement");
  }
  // Positions are relative to the whole text: what stands before the statement is only blanks and
  // comments, but those count.
  const auto skipped = static_cast<int>(
      std::count_if(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(pieces[0].offset),
                    [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
  const auto shifted = [&](Status status) {
    if (status.error().position > 0) status.error().position += skipped;
    return status;
  };
  Result<std::unique_ptr<Statement>> parsed = parse_statement(pieces[0].text);
  if (!parsed.ok()) return shifted(std::move(parsed).take_status());
  Result<std::shared_ptr<const Prepared>> prepared =
      prepare_statement(std::shared_ptr<const Statement>(std::move(*parsed)), declared);
  if (!prepared.ok()) return shifted(std::move(prepared).take_status());
  return prepared;
}

Result<std::shared_ptr<const Prepared>> SessionImpl::prepare_statement(
    std::shared_ptr<const Statement> statement, std::span<const Oid> declared) {
  if (transaction_.is_failed() && !ends_transaction(*statement)) return in_failed_transaction();
  if (declared.size() > kParametersMax) {
    return Status(sqlstate::kProgramLimitExceeded, "too many parameters");
  }
  const CancelScope cancel(&cancel_);
  auto prepared = std::make_shared<Prepared>();
  prepared->statement = statement;
  const BindCatalog relations(engine_.relations, identity_.superuser, hot_settings().search_path, cancel_);
  const auto take = [&](BoundQuery bound, bool returns_rows) {
    prepared->columns = std::move(bound.columns);
    prepared->parameter_types = std::move(bound.parameter_types);
    prepared->plan = std::move(bound.plan);
    prepared->returns_rows = returns_rows;
  };
  const auto text_column = [&](std::string_view name, Oid type) {
    prepared->returns_rows = true;
    prepared->columns.push_back({std::string(name), {type, -1}, 0, 0});
  };
  if (const auto* query = std::get_if<Query>(&statement->node)) {
    ASSIGN_OR_RETURN(BoundQuery bound, bind_query(*query, relations, declared));
    take(std::move(bound), true);
  } else if (const auto* insert = std::get_if<InsertStatement>(&statement->node)) {
    ASSIGN_OR_RETURN(const Relation* target,
                     insert_target(relations, insert->schema, insert->relation, insert->columns,
                                   insert->position, insert->column_positions));
    ASSIGN_OR_RETURN(BoundQuery bound, bind_insert(*insert, *target, relations, declared));
    if (insert->columns.empty()) {
      Error error;
      error.code = sqlstate::kFeatureNotSupported;
      error.message = "INSERT into events needs a column list: the server stamps the other columns";
      error.hint = "Write INSERT INTO events (event_type, payload) ….";
      error.position = insert->position;
      return error;
    }
    take(std::move(bound), !insert->returning.empty());
    ASSIGN_OR_RETURN(prepared->columns, InsertReturning::columns(*target, insert->returning));
  } else if (const auto* copy = std::get_if<CopyStatement>(&statement->node)) {
    RETURN_IF_ERROR(prepare_copy(*copy, relations, *prepared));
  } else if (const auto* show = std::get_if<ShowStatement>(&statement->node)) {
    if (show->name == "all") {
      text_column("name", oid::kText);
      text_column("setting", oid::kText);
      text_column("description", oid::kText);
    } else {
      if (!settings_.get(show->name)) {
        return Status(sqlstate::kUndefinedObject,
                      "unrecognized configuration parameter \"" + show->name + "\"");
      }
      const SettingInfo* info = find_setting(show->name);
      text_column(info != nullptr ? info->name : std::string_view(show->name), oid::kText);
    }
  } else if (const auto* explain = std::get_if<ExplainStatement>(&statement->node)) {
    const auto* body = std::get_if<Query>(&explain->body->node);
    if (body == nullptr) {
      return Status(sqlstate::kFeatureNotSupported, "EXPLAIN of this statement is not supported yet");
    }
    ASSIGN_OR_RETURN(BoundQuery bound, bind_query(*body, relations, declared));
    take(std::move(bound), true);
    prepared->columns.clear();
    text_column("QUERY PLAN",
                explain->format == ExplainStatement::Format::kJson ? oid::kJson : oid::kText);
  } else if (const auto* execute = std::get_if<ExecuteStatement>(&statement->node)) {
    ASSIGN_OR_RETURN(const auto target, find_prepared(execute->name));
    prepared->columns = target->columns;
    prepared->returns_rows = target->returns_rows;
  }
  prepared->generation = relations.used_generation();
  if (relations.searched()) prepared->search_path = hot_settings().search_path;
  prepared->plans_long = prepared->plan != nullptr && may_plan_long(*prepared->plan, statement->text.size());
  return std::shared_ptr<const Prepared>(std::move(prepared));
}

Status SessionImpl::prepare_copy(const CopyStatement& copy, const RelationResolver& relations,
                                 Prepared& prepared) {
  if (copy.format == CopyStatement::Format::kBinary) {
    return Status(sqlstate::kFeatureNotSupported, "COPY in binary format is not supported yet");
  }
  if (copy.from) {
    ASSIGN_OR_RETURN(const Relation* target,
                     insert_target(relations, copy.schema, copy.relation, copy.columns, copy.position));
    (void)target;
    if (copy.columns.empty()) {
      Error error;
      error.code = sqlstate::kFeatureNotSupported;
      error.message = "COPY into events needs a column list: the server stamps the other columns";
      error.hint = "Write COPY events (event_type, payload) FROM STDIN.";
      return error;
    }
    if (!copy.force_null.empty() || !copy.force_not_null.empty()) {
      return Status(sqlstate::kFeatureNotSupported, "COPY force null options are not supported yet");
    }
    return {};
  }
  Result<BoundQuery> bound = [&]() -> Result<BoundQuery> {
    if (copy.query) return bind_query(*copy.query, relations, {});
    const auto quoted = [](const std::string& name) {
      std::string out = "\"";
      for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
      return out + "\"";
    };
    std::string text = "SELECT ";
    for (size_t i = 0; i < copy.columns.size(); ++i) text += (i ? ", " : "") + quoted(copy.columns[i]);
    if (copy.columns.empty()) text += "*";
    text += " FROM " + (copy.schema.empty() ? "" : quoted(copy.schema) + ".") + quoted(copy.relation);
    ASSIGN_OR_RETURN(const auto statement, parse_statement(text));
    Result<BoundQuery> result = bind_query(std::get<Query>(statement->node), relations, {});
    if (!result.ok()) result.error().position = 0;  // of a text the client never saw
    return result;
  }();
  if (!bound.ok()) return std::move(bound).take_status();
  prepared.columns = std::move(bound->columns);
  prepared.plan = std::move(bound->plan);
  return {};
}

Result<const Relation*> SessionImpl::insert_target(const RelationResolver& relations,
                                                   const std::string& schema,
                                                   const std::string& relation,
                                                   const std::vector<std::string>& columns,
                                                   int position,
                                                   std::span<const int> column_positions) const {
  const Relation* target = relations.find_relation(schema, relation);
  if (target == nullptr) {
    Error error;
    error.code = sqlstate::kUndefinedTable;
    error.message = "relation \"" + (schema.empty() ? "" : schema + ".") + relation + "\" does not exist";
    error.position = position;
    return error;
  }
  if (target != &engine_.shards->events_relation()) {
    return Status(sqlstate::kWrongObjectType,
                  "cannot insert into relation \"" + std::string(target->name()) + "\"");
  }
  bool has_type = columns.empty();
  for (size_t i = 0; i < columns.size(); ++i) {
    const std::string& column = columns[i];
    const auto refuse = [&](SqlState code, std::string message) {
      Status status(code, std::move(message));
      status.error().position = i < column_positions.size() ? column_positions[i] : 0;
      return status;
    };
    if (target->find_column(column) < 0) {
      return refuse(sqlstate::kUndefinedColumn,
                    "column \"" + column + "\" of relation \"" + relation + "\" does not exist");
    }
    if (std::find(columns.begin(), columns.begin() + static_cast<std::ptrdiff_t>(i), column) !=
        columns.begin() + static_cast<std::ptrdiff_t>(i)) {
      return refuse(sqlstate::kDuplicateColumn, "column \"" + column + "\" specified more than once");
    }
    if (column == "event_type") {
      has_type = true;
    } else if (column != "payload") {
      return refuse(sqlstate::kFeatureNotSupported,
                    "column \"" + column + "\" of relation \"events\" is stamped by the server");
    }
  }
  if (!has_type) {
    return Status(sqlstate::kNotNullViolation,
                  "null value in column \"event_type\" of relation \"events\" violates not-null "
                  "constraint");
  }
  return target;
}

}  // namespace eventd::engine
