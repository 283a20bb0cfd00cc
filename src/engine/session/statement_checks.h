// What preparing and binding a statement both ask.
#pragma once

#include "engine/plan/statement.h"
#include "result.h"

namespace eventd::engine {

inline bool ends_transaction(const Statement& statement) {
  const auto* transaction = std::get_if<TransactionStatement>(&statement.node);
  using Kind = TransactionStatement::Kind;
  return transaction != nullptr &&
         (transaction->kind == Kind::kCommit || transaction->kind == Kind::kRollback ||
          transaction->kind == Kind::kRollbackTo);
}

inline Status in_failed_transaction() {
  return Status(sqlstate::kInFailedSqlTransaction,
                "current transaction is aborted, commands ignored until end of transaction block");
}

}  // namespace eventd::engine
