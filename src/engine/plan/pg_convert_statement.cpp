#include "engine/plan/pg_convert.h"
#include "engine/plan/type_names.h"

namespace eventd::engine::pg {
namespace {

template <class T>
Result<std::unique_ptr<Statement>> wrap(Result<T> node) {
  if (!node.ok()) return std::move(node).take_status();
  auto statement = std::make_unique<Statement>();
  statement->node = std::move(node).value();
  return statement;
}

bool is_true_option(const DefElem& option) {
  if (option.arg == nullptr) return true;
  if (nodeTag(option.arg) == T_Integer) return as<Integer>(option.arg).ival != 0;
  if (nodeTag(option.arg) == T_Boolean) return as<Boolean>(option.arg).boolval;
  if (nodeTag(option.arg) != T_String) return false;
  const std::string value = string_of(option.arg);
  return value == "true" || value == "on" || value == "1" || value == "match";
}

std::string option_text(const DefElem& option) {
  return option.arg != nullptr && nodeTag(option.arg) == T_String ? string_of(option.arg)
                                                                  : std::string();
}

}  // namespace

Result<std::unique_ptr<Statement>> Converter::statement(const Node* node) {
  switch (nodeTag(node)) {
    case T_SelectStmt:
      return wrap(query(node));
    case T_InsertStmt:
      return wrap(insert(as<InsertStmt>(node)));
    case T_CopyStmt:
      return wrap(copy(as<CopyStmt>(node)));
    case T_VariableSetStmt: {
      const auto& set_node = as<VariableSetStmt>(node);
      if (set_node.kind == VAR_RESET) return wrap(Result(ResetStatement{set_node.name}));
      if (set_node.kind == VAR_RESET_ALL) return wrap(Result(ResetStatement{"all"}));
      return wrap(set(set_node));
    }
    case T_VariableShowStmt:
      return wrap(Result(ShowStatement{as<VariableShowStmt>(node).name}));
    case T_DiscardStmt: {
      static constexpr DiscardStatement::What kWhat[] = {
          DiscardStatement::What::kAll, DiscardStatement::What::kPlans,
          DiscardStatement::What::kSequences, DiscardStatement::What::kTemp};
      return wrap(Result(DiscardStatement{kWhat[as<DiscardStmt>(node).target]}));
    }
    case T_AlterSystemStmt: {
      const VariableSetStmt& set_node = *as<AlterSystemStmt>(node).setstmt;
      AlterSystemStatement out;
      out.reset_all = set_node.kind == VAR_RESET_ALL;
      if (set_node.name != nullptr) out.name = set_node.name;
      if (set_node.kind == VAR_SET_VALUE) {
        ASSIGN_OR_RETURN(out.value, set_value(set_node.args));
      }
      return wrap(Result(std::move(out)));
    }
    case T_TransactionStmt:
      return wrap(transaction(as<TransactionStmt>(node)));
    case T_PrepareStmt:
      return prepare(as<PrepareStmt>(node));
    case T_ExecuteStmt:
      return wrap(execute(as<ExecuteStmt>(node)));
    case T_DeallocateStmt: {
      const char* name = as<DeallocateStmt>(node).name;
      return wrap(Result(DeallocateStatement{name == nullptr ? "" : name, name == nullptr}));
    }
    case T_ExplainStmt:
      return wrap(explain(as<ExplainStmt>(node)));
    default:
      return not_supported(statement_name(node), 0);
  }
}

Result<engine::Query> Converter::query(const Node* node) {
  engine::Query out;
  ASSIGN_OR_RETURN(out.select, select(as<SelectStmt>(node)));
  return out;
}

Result<InsertStatement> Converter::insert(const InsertStmt& node) {
  InsertStatement out;
  if (node.relation->schemaname != nullptr) out.schema = node.relation->schemaname;
  out.relation = node.relation->relname;
  out.position = position(node.relation->location);
  if (node.onConflictClause != nullptr) {
    return not_supported("ON CONFLICT", node.onConflictClause->location);
  }
  if (node.override != OVERRIDING_NOT_SET) return not_supported("OVERRIDING", -1);
  for (int i = 0; i < length_of(node.cols); ++i) {
    const auto& target = as<ResTarget>(item(node.cols, i));
    if (target.indirection != nullptr) {
      return not_supported("assigning to a part of a column", target.location);
    }
    out.columns.emplace_back(target.name);
    out.column_positions.push_back(position(target.location));
  }
  if (node.selectStmt != nullptr) {
    ASSIGN_OR_RETURN(out.source, query(node.selectStmt));
  }
  if (node.withClause != nullptr && out.source.select != nullptr) {
    // WITH … INSERT … SELECT: the list stands before the SELECT as well.
    if (!out.source.select->with.empty()) {
      return not_supported("WITH before INSERT and before its SELECT", node.withClause->location);
    }
    RETURN_IF_ERROR(with_clause(*node.withClause, *out.source.select));
  }
  for (int i = 0; i < length_of(node.returningList); ++i) {
    const auto& target = as<ResTarget>(item(node.returningList, i));
    const bool column = nodeTag(target.val) == T_ColumnRef;
    const List* fields = column ? as<ColumnRef>(target.val).fields : nullptr;
    if (!column || length_of(fields) != 1 || target.name != nullptr) {
      return not_supported("an expression in RETURNING", target.location);
    }
    out.returning.push_back(nodeTag(item(fields, 0)) == T_A_Star ? "*"
                                                                 : string_of(item(fields, 0)));
  }
  return out;
}

Result<CopyStatement> Converter::copy(const CopyStmt& node) {
  CopyStatement out;
  if (node.is_program) return not_supported("COPY PROGRAM", -1);
  if (node.filename != nullptr) return not_supported("COPY with a file on the server", -1);
  if (node.whereClause != nullptr) return not_supported("COPY FROM … WHERE", -1);
  out.from = node.is_from;
  if (node.relation != nullptr) {
    if (node.relation->schemaname != nullptr) out.schema = node.relation->schemaname;
    out.relation = node.relation->relname;
    out.position = position(node.relation->location);
  }
  if (node.query != nullptr) {
    if (nodeTag(node.query) != T_SelectStmt) {
      return not_supported("COPY (" + statement_name(node.query) + ")", -1);
    }
    ASSIGN_OR_RETURN(out.query, query(node.query));
  }
  out.columns = strings_of(node.attlist);
  for (int i = 0; i < length_of(node.options); ++i) {
    RETURN_IF_ERROR(copy_option(as<DefElem>(item(node.options, i)), out));
  }
  return out;
}

Status Converter::copy_option(const DefElem& option, CopyStatement& out) {
  const std::string name = option.defname;
  const std::string value = option_text(option);
  const auto one_character = [&](std::optional<char>& target) -> Status {
    if (value.size() != 1) {
      return error(sqlstate::kFeatureNotSupported,
                   "COPY " + name + " must be a single one-byte character", option.location);
    }
    target = value[0];
    return {};
  };
  const auto columns = [&](std::vector<std::string>& target) -> Status {
    if (option.arg == nullptr || nodeTag(option.arg) != T_List) {
      return error(sqlstate::kInvalidParameterValue,
                   "argument to option \"" + name + "\" must be a list of column names",
                   option.location);
    }
    target = strings_of(reinterpret_cast<const List*>(option.arg));
    return {};
  };
  if (name == "format") {
    if (value == "text") {
      out.format = CopyStatement::Format::kText;
    } else if (value == "csv") {
      out.format = CopyStatement::Format::kCsv;
    } else if (value == "binary") {
      out.format = CopyStatement::Format::kBinary;
    } else {
      return error(sqlstate::kInvalidParameterValue,
                   "COPY format \"" + value + "\" not recognized", option.location);
    }
    return {};
  }
  if (name == "delimiter") return one_character(out.delimiter);
  if (name == "quote") return one_character(out.quote);
  if (name == "escape") return one_character(out.escape);
  if (name == "null") {
    out.null_text = value;
    return {};
  }
  if (name == "header") {
    out.header = is_true_option(option);
    return {};
  }
  if (name == "force_quote") {
    if (option.arg != nullptr && nodeTag(option.arg) == T_A_Star) {
      out.force_quote_all = true;
      return {};
    }
    return columns(out.force_quote);
  }
  if (name == "force_not_null") return columns(out.force_not_null);
  if (name == "force_null") return columns(out.force_null);
  if (name == "freeze") return {};  // nothing to freeze
  if (name == "encoding") {
    if (value == "utf8" || value == "UTF8" || value == "utf-8" || value == "UTF-8") return {};
    return not_supported("COPY with encoding " + value, option.location);
  }
  return error(sqlstate::kSyntaxError, "option \"" + name + "\" not recognized", option.location);
}

// The words after SET x =, as flatten_set_variable_args() of PostgreSQL joins them.
Result<std::string> Converter::set_value(const List* arguments) {
  std::string out;
  for (int i = 0; i < length_of(arguments); ++i) {
    if (i > 0) out += ", ";
    const Node* node = item(arguments, i);
    if (nodeTag(node) == T_TypeCast) node = as<TypeCast>(node).arg;  // TIME ZONE INTERVAL '…'
    if (nodeTag(node) != T_A_Const) return not_supported("this SET value", -1);
    const auto& constant_node = as<A_Const>(node);
    switch (nodeTag(&constant_node.val)) {
      case T_Integer:
        out += std::to_string(constant_node.val.ival.ival);
        break;
      case T_Float:
        out += constant_node.val.fval.fval;
        break;
      case T_String:
        out += constant_node.val.sval.sval;
        break;
      default:
        return not_supported("this SET value", constant_node.location);
    }
  }
  return out;
}

Result<SetStatement> Converter::set(const VariableSetStmt& node) {
  SetStatement out;
  if (node.name != nullptr) out.name = node.name;
  out.local = node.is_local;
  if (node.kind == VAR_SET_MULTI) {
    if (out.name == "TRANSACTION SNAPSHOT") return not_supported("SET TRANSACTION SNAPSHOT", -1);
    out.set_transaction = true;
    for (int i = 0; i < length_of(node.args); ++i) {
      const auto& option = as<DefElem>(item(node.args, i));
      const std::string name = option.defname;
      const Node* value = option.arg;
      if (name == "transaction_isolation" && value != nullptr && nodeTag(value) == T_A_Const) {
        const std::string level = as<A_Const>(value).val.sval.sval;
        out.isolation_level = level;
      } else if (name == "transaction_read_only" && value != nullptr &&
                 nodeTag(value) == T_A_Const) {
        out.read_only = as<A_Const>(value).val.ival.ival != 0;
      }
    }
    return out;
  }
  if (node.kind == VAR_SET_CURRENT) return not_supported("SET … FROM CURRENT", -1);
  if (node.kind == VAR_SET_VALUE) {
    ASSIGN_OR_RETURN(out.value, set_value(node.args));
  }
  return out;
}

Result<TransactionStatement> Converter::transaction(const TransactionStmt& node) {
  using Kind = TransactionStatement::Kind;
  TransactionStatement out{};
  switch (node.kind) {
    case TRANS_STMT_BEGIN:
      out.kind = Kind::kBegin;
      break;
    case TRANS_STMT_START:
      out.kind = Kind::kStart;
      break;
    case TRANS_STMT_COMMIT:
      out.kind = Kind::kCommit;
      break;
    case TRANS_STMT_ROLLBACK:
      out.kind = Kind::kRollback;
      break;
    case TRANS_STMT_SAVEPOINT:
      out.kind = Kind::kSavepoint;
      break;
    case TRANS_STMT_RELEASE:
      out.kind = Kind::kRelease;
      break;
    case TRANS_STMT_ROLLBACK_TO:
      out.kind = Kind::kRollbackTo;
      break;
    default:
      return not_supported("two-phase commit", -1);
  }
  if (node.chain) return not_supported("AND CHAIN", -1);
  if (node.savepoint_name != nullptr) out.savepoint = node.savepoint_name;
  for (int i = 0; i < length_of(node.options); ++i) {
    const auto& option = as<DefElem>(item(node.options, i));
    const std::string name = option.defname;
    if (option.arg == nullptr || nodeTag(option.arg) != T_A_Const) continue;
    const auto& value = as<A_Const>(option.arg);
    if (name == "transaction_isolation") {
      const std::string level = value.val.sval.sval;
      out.repeatable_read = level == "repeatable read" || level == "serializable";
    } else if (name == "transaction_read_only") {
      out.read_only = value.val.ival.ival != 0;
    }
  }
  return out;
}

Result<std::unique_ptr<Statement>> Converter::prepare(const PrepareStmt& node) {
  auto prepared = std::make_unique<Statement>();
  PrepareStatement& out = prepared->node.emplace<PrepareStatement>();
  out.name = node.name;
  for (int i = 0; i < length_of(node.argtypes); ++i) {
    ASSIGN_OR_RETURN(const std::unique_ptr<AstTypeName> name,
                     type_name(as<TypeName>(item(node.argtypes, i))));
    ASSIGN_OR_RETURN(const Type type, resolve_type_name(*name));
    out.parameter_types.push_back(type.id == oid::kUnknown ? 0 : type.id);
  }
  ASSIGN_OR_RETURN(out.body, statement(node.query));
  return prepared;
}

Result<ExecuteStatement> Converter::execute(const ExecuteStmt& node) {
  ExecuteStatement out;
  out.name = node.name;
  RETURN_IF_ERROR(append(node.params, out.arguments));
  return out;
}

Result<ExplainStatement> Converter::explain(const ExplainStmt& node) {
  ExplainStatement out;
  for (int i = 0; i < length_of(node.options); ++i) {
    const auto& option = as<DefElem>(item(node.options, i));
    const std::string name = option.defname;
    const bool value = is_true_option(option);
    if (name == "analyze") {
      out.analyze = value;
    } else if (name == "verbose") {
      out.verbose = value;
    } else if (name == "buffers") {
      out.buffers = value;
    } else if (name == "costs") {
      out.costs = value;
    } else if (name == "settings" || name == "wal" || name == "timing" || name == "summary") {
      // accepted: nothing more to show or to leave out
    } else if (name == "format") {
      const std::string format = option_text(option);
      if (format == "text") {
        out.format = ExplainStatement::Format::kText;
      } else if (format == "json") {
        out.format = ExplainStatement::Format::kJson;
      } else if (format == "xml" || format == "yaml") {
        return not_supported("EXPLAIN (FORMAT " + format + ")", option.location);
      } else {
        return error(sqlstate::kInvalidParameterValue,
                     "unrecognized value for EXPLAIN option \"format\": \"" + format + "\"",
                     option.location);
      }
    } else {
      return error(sqlstate::kSyntaxError, "unrecognized EXPLAIN option \"" + name + "\"",
                   option.location);
    }
  }
  ASSIGN_OR_RETURN(out.body, statement(node.query));
  return out;
}

}  // namespace eventd::engine::pg
