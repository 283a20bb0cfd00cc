// Functions that act on the server as a whole.
#include <unistd.h>

#include <csignal>

#include "engine/functions/function_registry.h"
#include "engine/functions/kernel_helpers.h"
#include "engine/functions/server_values.h"

namespace eventd::engine {
namespace {

Status require_superuser(const CallFrame& frame, std::string_view function) {
  if (frame.context.session != nullptr &&
      frame.context.session->setting("is_superuser").value_or("off") == "on") {
    return {};
  }
  return {sqlstate::kInsufficientPrivilege,
          "permission denied for function " + std::string(function)};
}

// As in PostgreSQL: asks for the reload and says that it has asked.
Status reload_conf(const CallFrame& frame, Vector& result) {
  RETURN_IF_ERROR(require_superuser(frame, "pg_reload_conf"));
  const bool sent = ::kill(::getpid(), SIGHUP) == 0;
  result = Vector::constant(Datum::boolean(sent), frame.rows);
  return {};
}

// The session runs it as a command; what comes here is part of a larger query.
Status backup_in_a_query(const CallFrame& frame, Vector&) {
  RETURN_IF_ERROR(require_superuser(frame, "eventd_backup"));
  Error error;
  error.code = sqlstate::kFeatureNotSupported;
  error.message = "eventd_backup cannot be part of a larger query";
  error.hint = "Write SELECT eventd_backup('/absolute/path'), and nothing else in the statement.";
  return error;
}

}  // namespace

void register_server(FunctionCatalog::Builder& builder) {
  builder.builtin("pg_reload_conf()", reload_conf);
  ScalarFunction backup;
  backup.name = "eventd_backup";
  backup.arguments = {oid::kText};
  backup.result = oid::kInt8;
  backup.volatility = Volatility::kVolatile;
  backup.kernel = backup_in_a_query;
  builder.add_function(std::move(backup));
  register_server_values(builder);
}

}  // namespace eventd::engine
