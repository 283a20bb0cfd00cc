#include "engine/exec/expr_to_sql.h"

#include <algorithm>

#include "engine/functions/function.h"

namespace eventd::engine {

namespace {

constexpr size_t kTextMax = 4096;
constexpr int kDepthMax = 40;

std::string quote_literal(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

std::string constant_sql(const Datum& value, const EvalContext& context) {
  if (value.is_null()) return "NULL::" + format_type({value.type(), -1});
  if (value.type() == oid::kBool) return value.as<bool>() ? "true" : "false";
  const std::string text = datum_to_text(context.format, value);
  const char category = type_info(value.type()).category;
  if (category == 'N' && !text.empty() && text[0] != '-' && text.find_first_not_of("0123456789.") == std::string::npos) {
    return text;
  }
  return quote_literal(text) + "::" + format_type({value.type(), -1});
}

/// The operator a function implements, or nothing.
std::string operator_symbol(const ScalarFunction& function) {
  const FunctionCatalog& catalog = FunctionCatalog::instance();
  static constexpr std::string_view kSymbols[] = {
      "=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "||", "~~", "!~~", "~~*", "!~~*",
      "~", "!~", "~*", "!~*", "->", "->>", "#>", "#>>", "@>", "<@", "?", "?|", "?&", "&&", "&", "|", "#", "^"};
  const size_t arity = function.arguments.size();
  if (arity != 1 && arity != 2) return {};
  for (const std::string_view symbol : kSymbols) {
    for (const Operator* candidate : catalog.operators(symbol)) {
      if (candidate->function == &function && (candidate->left == 0) == (arity == 1)) {
        return std::string(symbol);
      }
    }
  }
  return {};
}

class Printer {
 public:
  Printer(const std::vector<std::string>& columns, const EvalContext& context,
          std::span<const std::string> queries)
      : columns_(columns), context_(context), queries_(queries) {}

  std::string print(const Expr& expr) {
    if (++depth_ > kDepthMax || out_bytes_ > kTextMax) {
      --depth_;
      return "…";
    }
    std::string text = print_node(expr);
    out_bytes_ += text.size() / static_cast<size_t>(depth_);
    --depth_;
    return text;
  }

 private:
  std::string list(const Expr& expr, size_t first, std::string_view separator) {
    std::string out;
    for (size_t i = first; i < expr.children.size(); ++i) {
      if (i > first) out += separator;
      if (out.size() > kTextMax) return out + "…";
      out += print(*expr.children[i]);
    }
    return out;
  }

  std::string call(const Expr& expr) {
    if (const std::string symbol = operator_symbol(*expr.function); !symbol.empty()) {
      if (expr.children.size() == 1) return "(" + symbol + " " + print(*expr.children[0]) + ")";
      if (expr.children.size() == 2) {
        return "(" + print(*expr.children[0]) + " " + symbol + " " + print(*expr.children[1]) + ")";
      }
    }
    const Cast* cast = expr.children.empty()
                           ? nullptr
                           : FunctionCatalog::instance().cast(expr.children[0]->type.id, expr.type.id);
    if (cast != nullptr && cast->function == expr.function) {
      return "(" + print(*expr.children[0]) + ")::" + format_type(expr.type);
    }
    return std::string(expr.function->name) + "(" + list(expr, 0, ", ") + ")";
  }

  std::string suffix(const Expr& expr, const char* text) {
    return "(" + print(*expr.children[0]) + text + ")";
  }

  std::string print_node(const Expr& expr) {
    using Kind = Expr::Kind;
    switch (expr.kind) {
      case Kind::kColumn: {
        const size_t index = static_cast<size_t>(expr.index);
        return index < columns_.size() ? columns_[index] : "column" + std::to_string(index + 1);
      }
      case Kind::kConstant: return constant_sql(expr.constant, context_);
      case Kind::kParameter: return "$" + std::to_string(expr.index + 1);
      case Kind::kCall: return call(expr);
      case Kind::kRelabel: return "(" + print(*expr.children[0]) + ")::" + format_type(expr.type);
      case Kind::kAnd: return "(" + list(expr, 0, " AND ") + ")";
      case Kind::kOr: return "(" + list(expr, 0, " OR ") + ")";
      case Kind::kNot: return "(NOT " + print(*expr.children[0]) + ")";
      case Kind::kIsNull: return suffix(expr, " IS NULL");
      case Kind::kIsNotNull: return suffix(expr, " IS NOT NULL");
      case Kind::kIsTrue: return suffix(expr, " IS TRUE");
      case Kind::kIsNotTrue: return suffix(expr, " IS NOT TRUE");
      case Kind::kIsFalse: return suffix(expr, " IS FALSE");
      case Kind::kIsNotFalse: return suffix(expr, " IS NOT FALSE");
      case Kind::kIsUnknown: return suffix(expr, " IS UNKNOWN");
      case Kind::kIsNotUnknown: return suffix(expr, " IS NOT UNKNOWN");
      case Kind::kIsDistinct: return "(" + list(expr, 0, " IS DISTINCT FROM ") + ")";
      case Kind::kIsNotDistinct: return "(" + list(expr, 0, " IS NOT DISTINCT FROM ") + ")";
      case Kind::kCase: return print_case(expr);
      case Kind::kCoalesce: return "COALESCE(" + list(expr, 0, ", ") + ")";
      case Kind::kNullIf: return "NULLIF(" + list(expr, 0, ", ") + ")";
      case Kind::kGreatest: return "GREATEST(" + list(expr, 0, ", ") + ")";
      case Kind::kLeast: return "LEAST(" + list(expr, 0, ", ") + ")";
      case Kind::kInList: return "(" + print(*expr.children[0]) + " = ANY (ARRAY[" + list(expr, 1, ", ") + "]))";
      case Kind::kAnyArray:
      case Kind::kAllArray: {
        std::string symbol = expr.function != nullptr ? operator_symbol(*expr.function) : std::string();
        if (symbol.empty()) symbol = "=";
        return "(" + print(*expr.children[0]) + " " + symbol +
               (expr.kind == Kind::kAnyArray ? " ANY (" : " ALL (") + print(*expr.children[1]) + "))";
      }
      case Kind::kArray: return "ARRAY[" + list(expr, 0, ", ") + "]";
      case Kind::kOuter: return "$outer" + std::to_string(expr.index);
      case Kind::kSubquery: return subquery(expr);
      case Kind::kRow: return "ROW(" + list(expr, 0, ", ") + ")";
      case Kind::kField: return "(" + print(*expr.children[0]) + ").f" + std::to_string(expr.index + 1);
      case Kind::kPayloadPath: return print_path(expr);
    }
    return "?";
  }

  std::string subquery(const Expr& expr) {
    const bool named = next_query_ < queries_.size();
    const std::string name = named ? queries_[next_query_++] : "(SubPlan)";
    // What runs once is a parameter, `$0`.
    if (name.starts_with('$')) return name;
    switch (expr.subquery->kind) {
      case Subquery::Kind::kScalar:
      case Subquery::Kind::kAny: return name;
      case Subquery::Kind::kExists: return "EXISTS" + name;
      case Subquery::Kind::kArray: return "ARRAY" + name;
      case Subquery::Kind::kAll: return "ALL" + name;
    }
    return name;
  }

  std::string print_case(const Expr& expr) {
    std::string out = "CASE";
    size_t i = 0;
    for (; i + 1 < expr.children.size(); i += 2) {
      out += " WHEN " + print(*expr.children[i]) + " THEN " + print(*expr.children[i + 1]);
    }
    if (i < expr.children.size()) out += " ELSE " + print(*expr.children[i]);
    return out + " END";
  }

  std::string print_path(const Expr& expr) {
    std::string out = "(" + print(*expr.children[0]);
    for (size_t i = 0; i < expr.path.size(); ++i) {
      const bool last = i + 1 == expr.path.size();
      out += (last && expr.path_as_text ? " ->> " : " -> ") + quote_literal(expr.path[i]);
    }
    return out + ")";
  }

  const std::vector<std::string>& columns_;
  const EvalContext& context_;
  const std::span<const std::string> queries_;
  size_t next_query_ = 0;
  int depth_ = 0;
  size_t out_bytes_ = 0;
};

std::string scan_column_sql(const ScanColumn& column, const Relation& relation) {
  std::string out = quote_identifier(relation.columns()[static_cast<size_t>(column.column)].name);
  if (column.extract == ScanColumn::Extract::kNone) return out;
  for (size_t i = 0; i < column.path.size(); ++i) {
    const bool text = i + 1 == column.path.size() && column.extract != ScanColumn::Extract::kJson;
    out += (text ? " ->> " : " -> ") + quote_literal(column.path[i]);
  }
  out = "(" + out + ")";
  return column.extract == ScanColumn::Extract::kNumber ? "(" + out + ")::" + format_type(column.type)
                                                        : out;
}

}  // namespace

std::string quote_identifier(const std::string& name) {
  const bool plain =
      !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
      std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
      });
  if (plain) return name;
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string expr_to_sql(const Expr& expr, const std::vector<std::string>& columns,
                        const EvalContext& context, std::span<const std::string> queries) {
  return Printer(columns, context, queries).print(expr);
}

std::string predicate_to_sql(const ScanPredicate& predicate, const Relation& relation,
                             const EvalContext& context) {
  const std::string column = scan_column_sql(predicate.column, relation);
  const auto value = [&](size_t i) { return constant_sql(predicate.values[i], context); };
  const char* symbol = "=";
  const char* end = predicate.ignore_case ? " IGNORE CASE)" : ")";  // EQL's strings
  switch (predicate.op) {
    case ScanPredicate::Op::kIsNull: return "(" + column + " IS NULL)";
    case ScanPredicate::Op::kIsNotNull: return "(" + column + " IS NOT NULL)";
    case ScanPredicate::Op::kIn: {
      std::string out = "(" + column + " = ANY (ARRAY[";
      for (size_t i = 0; i < predicate.values.size(); ++i) {
        if (i > 0) out += ", ";
        if (out.size() > kTextMax) {
          out += "…";
          break;
        }
        out += value(i);
      }
      return out + "])" + end;
    }
    case ScanPredicate::Op::kEq: break;
    case ScanPredicate::Op::kNotEq: symbol = "<>"; break;
    case ScanPredicate::Op::kLess: symbol = "<"; break;
    case ScanPredicate::Op::kLessEq: symbol = "<="; break;
    case ScanPredicate::Op::kGreater: symbol = ">"; break;
    case ScanPredicate::Op::kGreaterEq: symbol = ">="; break;
    case ScanPredicate::Op::kStartsWith: symbol = "^@"; break;
    case ScanPredicate::Op::kGlob: symbol = "GLOB"; break;
  }
  if (predicate.values.empty()) return "(" + column + " " + symbol + ")";
  return "(" + column + " " + symbol + " " + value(0) + end;
}

std::vector<std::string> column_names(const PlanNode& plan) {
  std::vector<std::string> names;
  if (plan.kind == PlanNode::Kind::kScan && plan.relation != nullptr) {
    for (const ScanColumn& column : plan.scan_columns) names.push_back(scan_column_sql(column, *plan.relation));
    return names;
  }
  for (const OutputColumn& column : plan.columns) names.push_back(quote_identifier(column.name));
  return names;
}

}  // namespace eventd::engine
