#include "engine/plan/eql_parser.h"
#include "engine/plan/pg_raw_parse.h"
#include "engine/plan/query_planner.h"
#include "engine/plan/statement_splitter.h"
#include "engine/plan/text_position.h"

namespace eventd::engine {
namespace {

Result<Query> parse_eql_body(std::string_view text, const EqlBody& body) {
  Result<std::unique_ptr<EqlAst>> eql = parse_eql(text.substr(body.begin, body.end - body.begin));
  if (!eql.ok()) {
    Error error = std::move(eql.error());
    if (error.position > 0) error.position += character_position(text, body.begin) - 1;
    return error;
  }
  Query query;
  query.eql = std::move(eql).value();
  return query;
}

/// The innermost query an EQL body stands for in the statement made with a placeholder.
Status put_query(Statement& statement, Query query) {
  if (auto* prepare = std::get_if<PrepareStatement>(&statement.node)) {
    prepare->body->node = std::move(query);
  } else if (auto* explain = std::get_if<ExplainStatement>(&statement.node)) {
    explain->body->node = std::move(query);
  } else if (auto* copy = std::get_if<CopyStatement>(&statement.node)) {
    copy->query = std::move(query);
  } else {
    return {sqlstate::kFeatureNotSupported, "EQL is not supported in this statement"};
  }
  return {};
}

// PostgreSQL's grammar reads the statement around the body, with a placeholder of (mostly) the
// same length in the body's place, so that positions behind it stay right.
Result<std::unique_ptr<Statement>> parse_around_eql(std::string_view text, const EqlBody& body) {
  constexpr std::string_view kPlaceholder = "TABLE x";
  std::string around(text.substr(0, body.begin));
  around += kPlaceholder;
  const size_t characters =
      static_cast<size_t>(character_position(text, body.end) - character_position(text, body.begin));
  if (characters > kPlaceholder.size()) around.append(characters - kPlaceholder.size(), ' ');
  around += text.substr(body.end);
  ASSIGN_OR_RETURN(std::unique_ptr<Statement> statement, parse_sql(around));
  ASSIGN_OR_RETURN(Query query, parse_eql_body(text, body));
  RETURN_IF_ERROR(put_query(*statement, std::move(query)));
  return statement;
}

}  // namespace

Result<std::unique_ptr<Statement>> parse_statement(std::string_view text) {
  ASSIGN_OR_RETURN(const std::optional<EqlBody> body, find_eql_body(text));
  std::unique_ptr<Statement> statement;
  if (!body.has_value()) {
    ASSIGN_OR_RETURN(statement, parse_sql(text));
  } else if (character_position(text.substr(0, body->begin), body->begin) == 1 ||
             text.find_first_not_of(" \t\r\n\f\v") == body->begin) {
    ASSIGN_OR_RETURN(Query query, parse_eql_body(text, *body));
    statement = std::make_unique<Statement>();
    statement->node = std::move(query);
  } else {
    ASSIGN_OR_RETURN(statement, parse_around_eql(text, *body));
  }
  statement->text = text;
  return statement;
}

}  // namespace eventd::engine
