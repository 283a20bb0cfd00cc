#include "engine/plan/pg_raw_parse.h"

#include "engine/plan/pg_convert.h"

extern "C" {
#include "pg_query.h"
#include "pg_query/pg_query_internal.h"
}

namespace eventd::engine {
namespace {

// libpg_query's memory context, left even when conversion throws.
class PgMemoryContext {
 public:
  PgMemoryContext() : context_(pg_query_enter_memory_context()) {}
  PgMemoryContext(const PgMemoryContext&) = delete;
  PgMemoryContext& operator=(const PgMemoryContext&) = delete;
  ~PgMemoryContext() { pg_query_exit_memory_context(context_); }

 private:
  MemoryContext context_;
};

// The raw tree and the two mallocs that come with it.
class RawTree {
 public:
  explicit RawTree(const char* sql) : result_(pg_query_raw_parse(sql)) {}
  RawTree(const RawTree&) = delete;
  RawTree& operator=(const RawTree&) = delete;
  ~RawTree() {
    if (result_.error != nullptr) pg_query_free_error(result_.error);
    free(result_.stderr_buffer);
  }
  const PgQueryError* error() const { return result_.error; }
  const List* statements() const { return result_.tree; }

 private:
  PgQueryInternalParsetreeAndError result_;
};

Error to_error(const PgQueryError& error) {
  std::string message = error.message == nullptr ? "syntax error" : error.message;
  // bison's own stack is bounded (YYMAXDEPTH); PostgreSQL reports that as a syntax error.
  if (message.starts_with("memory exhausted")) {
    return {sqlstate::kStatementTooComplex, "stack depth limit exceeded", {},
            "The statement is nested too deeply.", {}, error.cursorpos};
  }
  SqlState code = sqlstate::kSyntaxError;
  if (message.find("not yet implemented") != std::string::npos ||
      message.find("not implemented") != std::string::npos ||
      message.find("not supported") != std::string::npos) {
    code = sqlstate::kFeatureNotSupported;
  } else if (message.starts_with("frame ")) {
    code = sqlstate::kWindowingError;  // the grammar's own checks of frames
  }
  // Hints get lost on the way through libpg_query.
  std::string hint;
  if (message == "subquery in FROM must have an alias") {
    hint = "For example, FROM (SELECT ...) [AS] foo.";
  } else if (message == "VALUES in FROM must have an alias") {
    hint = "For example, FROM (VALUES ...) [AS] foo.";
  }
  return {code, std::move(message), {}, std::move(hint), {}, error.cursorpos};
}

}  // namespace

Result<std::unique_ptr<Statement>> parse_sql(std::string_view sql) {
  if (const size_t nul = sql.find('\0'); nul != std::string_view::npos) {
    return Status(sqlstate::kCharacterNotInRepertoire,
                  "invalid byte sequence for encoding \"UTF8\": 0x00");
  }
  const std::string terminated(sql);
  const PgMemoryContext context;
  const RawTree tree(terminated.c_str());
  if (tree.error() != nullptr) return to_error(*tree.error());
  if (pg::length_of(tree.statements()) != 1) {
    return Status(sqlstate::kSyntaxError, pg::length_of(tree.statements()) == 0
                                              ? "empty statement"
                                              : "cannot insert multiple commands into a prepared "
                                                "statement");
  }
  pg::Converter converter(terminated);
  return converter.statement(pg::as<RawStmt>(pg::item(tree.statements(), 0)).stmt);
}

}  // namespace eventd::engine
