#include "engine/plan/pg_convert.h"

namespace eventd::engine::pg {

// Only statements somebody is likely to send; the rest is told by its grammar tag.
std::string statement_name(const Node* node) {
  switch (nodeTag(node)) {
    case T_UpdateStmt: return "UPDATE";
    case T_DeleteStmt: return "DELETE";
    case T_MergeStmt: return "MERGE";
    case T_InsertStmt: return "INSERT";
    case T_SelectStmt: return "SELECT";
    case T_CreateStmt: return "CREATE TABLE";
    case T_CreateTableAsStmt: return "CREATE TABLE AS";
    case T_ViewStmt: return "CREATE VIEW";
    case T_IndexStmt: return "CREATE INDEX";
    case T_CreateSchemaStmt: return "CREATE SCHEMA";
    case T_CreateSeqStmt: return "CREATE SEQUENCE";
    case T_CreateFunctionStmt: return "CREATE FUNCTION";
    case T_CreateTrigStmt: return "CREATE TRIGGER";
    case T_CreateExtensionStmt: return "CREATE EXTENSION";
    case T_CreatedbStmt: return "CREATE DATABASE";
    case T_CreateRoleStmt: return "CREATE ROLE";
    case T_AlterRoleStmt: return "ALTER ROLE";
    case T_AlterRoleSetStmt: return "ALTER ROLE … SET";
    case T_DropRoleStmt: return "DROP ROLE";
    case T_AlterTableStmt: return "ALTER TABLE";
    case T_RenameStmt: return "ALTER … RENAME";
    case T_AlterDatabaseStmt: return "ALTER DATABASE";
    case T_AlterDatabaseSetStmt: return "ALTER DATABASE … SET";
    case T_DropStmt: return "DROP";
    case T_DropdbStmt: return "DROP DATABASE";
    case T_TruncateStmt: return "TRUNCATE";
    case T_CommentStmt: return "COMMENT ON";
    case T_GrantStmt: return as<GrantStmt>(node).is_grant ? "GRANT" : "REVOKE";
    case T_GrantRoleStmt: return as<GrantRoleStmt>(node).is_grant ? "GRANT" : "REVOKE";
    case T_VacuumStmt: return as<VacuumStmt>(node).is_vacuumcmd ? "VACUUM" : "ANALYZE";
    case T_ReindexStmt: return "REINDEX";
    case T_ClusterStmt: return "CLUSTER";
    case T_LockStmt: return "LOCK";
    case T_CheckPointStmt: return "CHECKPOINT";
    case T_ListenStmt: return "LISTEN";
    case T_UnlistenStmt: return "UNLISTEN";
    case T_NotifyStmt: return "NOTIFY";
    case T_DeclareCursorStmt: return "DECLARE CURSOR";
    case T_FetchStmt: return as<FetchStmt>(node).ismove ? "MOVE" : "FETCH";
    case T_ClosePortalStmt: return "CLOSE";
    case T_DoStmt: return "DO";
    case T_CallStmt: return "CALL";
    case T_LoadStmt: return "LOAD";
    case T_ConstraintsSetStmt: return "SET CONSTRAINTS";
    case T_RefreshMatViewStmt: return "REFRESH MATERIALIZED VIEW";
    default: return "this statement";
  }
}

}  // namespace eventd::engine::pg
