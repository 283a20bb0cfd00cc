// What a statement asks for, as parsed and before names are resolved.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/types/type.h"

namespace eventd::engine {

struct SelectAst;  // plan/ast.h
struct EqlAst;     // plan/eql_ast.h
struct AstExpr;    // plan/ast.h

/// A row-returning query of either language.
struct Query {
  Query();
  ~Query();
  Query(Query&&) noexcept;
  Query& operator=(Query&&) noexcept;
  std::unique_ptr<SelectAst> select;  ///< exactly one of the two is set
  std::unique_ptr<EqlAst> eql;
};

struct Statement;

struct InsertStatement {
  std::string schema, relation;
  std::vector<std::string> columns;  ///< empty = all in order
  std::vector<int> column_positions; ///< of `columns`, 1-based in characters
  Query source;                      ///< VALUES or SELECT; empty (neither set) = DEFAULT VALUES
  std::vector<std::string> returning;  ///< column names; `*` allowed
  int position = 0;  ///< of the relation's name, 1-based in characters, 0 = none
};

struct CopyStatement {
  std::string schema, relation;      ///< or `query`
  std::optional<Query> query;
  std::vector<std::string> columns;
  bool from = false;                 ///< FROM STDIN, else TO STDOUT
  enum class Format : uint8_t { kText, kCsv, kBinary } format = Format::kText;
  std::optional<char> delimiter, quote, escape;
  std::optional<std::string> null_text;
  bool header = false;
  std::vector<std::string> force_quote, force_not_null, force_null;
  bool force_quote_all = false;
  int position = 0;  ///< of the relation's name, 1-based in characters, 0 = none
};

struct SetStatement {
  std::string name;
  std::optional<std::string> value;  ///< absent = DEFAULT
  bool local = false;
  bool set_transaction = false;      ///< SET TRANSACTION / SESSION CHARACTERISTICS (`name` tells)
  std::optional<std::string> isolation_level;  ///< of set_transaction, "read committed" …
  std::optional<bool> read_only;               ///< of set_transaction
};
struct ShowStatement { std::string name; };     ///< "all" for SHOW ALL
struct ResetStatement { std::string name; };    ///< "all" for RESET ALL
struct DiscardStatement { enum class What : uint8_t { kAll, kPlans, kSequences, kTemp } what; };
struct AlterSystemStatement { std::string name; std::optional<std::string> value; bool reset_all = false; };

struct TransactionStatement {
  enum class Kind : uint8_t {
    kBegin, kStart, kCommit, kRollback, kSavepoint, kRelease, kRollbackTo
  } kind;
  std::string savepoint;
  bool read_only = false;
  bool repeatable_read = false;  ///< REPEATABLE READ or SERIALIZABLE
};

struct PrepareStatement {
  std::string name;
  std::vector<Oid> parameter_types;
  std::unique_ptr<Statement> body;
};
struct ExecuteStatement {
  std::string name;
  std::vector<std::unique_ptr<AstExpr>> arguments;
  ExecuteStatement();
  ~ExecuteStatement();
  ExecuteStatement(ExecuteStatement&&) noexcept;
  ExecuteStatement& operator=(ExecuteStatement&&) noexcept;
};
struct DeallocateStatement { std::string name; bool all = false; };

struct ExplainStatement {
  bool analyze = false, verbose = false, buffers = false, costs = true;
  enum class Format : uint8_t { kText, kJson } format = Format::kText;
  std::unique_ptr<Statement> body;
};

/// One parsed statement. Immutable; shared by prepared statements.
struct Statement {
  std::variant<Query, InsertStatement, CopyStatement, SetStatement, ShowStatement, ResetStatement,
               DiscardStatement, AlterSystemStatement, TransactionStatement, PrepareStatement,
               ExecuteStatement, DeallocateStatement, ExplainStatement>
      node;
  /// The statement's own text (owned), for error positions and pg_stat_activity.
  std::string text;
};

}  // namespace eventd::engine
