#include "engine/plan/eql_parser.h"

#include <algorithm>
#include <charconv>

#include "engine/limits.h"
#include "engine/plan/eql_lexer.h"
#include "engine/plan/eql_literal.h"

namespace eventd::engine {
namespace {

using Kind = EqlToken::Kind;

// Words that begin a clause: a pattern or field of such a name needs back-quotes.
constexpr std::string_view kClauses[] = {"SINCE", "UNTIL",  "WHERE",  "SORT", "SKIP",     "TAKE",
                                         "SELECT", "STREAM", "COUNT", "TOP",  "DISTINCT", "GROUP"};

struct WordOperator {
  std::string_view word;
  EqlCondition::Kind kind;
};
constexpr WordOperator kOperators[] = {
    {"==", EqlCondition::Kind::kEq},         {"=", EqlCondition::Kind::kEq},
    {"!=", EqlCondition::Kind::kNotEq},      {"<", EqlCondition::Kind::kLess},
    {"<=", EqlCondition::Kind::kLessEq},     {">", EqlCondition::Kind::kGreater},
    {">=", EqlCondition::Kind::kGreaterEq},  {"STARTS_WITH", EqlCondition::Kind::kStartsWith},
    {"ENDS_WITH", EqlCondition::Kind::kEndsWith}, {"CONTAINS", EqlCondition::Kind::kContains},
    {"HAS", EqlCondition::Kind::kHas}};

class EqlParser {
 public:
  explicit EqlParser(std::vector<EqlToken> tokens) : tokens_(std::move(tokens)) {}

  Result<std::unique_ptr<EqlAst>> parse() {
    for (const std::string_view mode : {"LOGS", "METRIC"}) {
      if (is_keyword(mode)) return not_supported(std::string(mode) + " queries");
    }
    if (!take_keyword("EVENTS")) return syntax_error();
    if (is_keyword("INDEX")) return parse_index();
    RETURN_IF_ERROR(parse_pattern());
    while (token().kind != Kind::kEnd) RETURN_IF_ERROR(parse_clause());
    return std::move(ast_);
  }

 private:
  const EqlToken& token() const { return tokens_[at_]; }
  void advance() {
    if (token().kind != Kind::kEnd) ++at_;
  }
  bool is_keyword(std::string_view word) const {
    return token().kind == Kind::kWord && equals_ignoring_case(token().text, word);
  }
  bool take_keyword(std::string_view word) {
    if (!is_keyword(word)) return false;
    advance();
    return true;
  }
  bool take_symbol(std::string_view symbol) {
    if (token().kind != Kind::kSymbol || token().text != symbol) return false;
    advance();
    return true;
  }
  bool at_clause() const {
    return token().kind == Kind::kEnd ||
           std::any_of(std::begin(kClauses), std::end(kClauses),
                       [&](std::string_view clause) { return is_keyword(clause); });
  }

  Status error(std::string message, std::string hint = "") const {
    return Error{sqlstate::kSyntaxError, std::move(message), {}, std::move(hint), {}, token().position};
  }
  Status syntax_error(std::string hint = "") const {
    return error(token().kind == Kind::kEnd ? "syntax error at end of input"
                                            : "syntax error at or near \"" + token().text + "\"",
                 std::move(hint));
  }
  Status not_supported(std::string what) const {
    return Error{sqlstate::kFeatureNotSupported, std::move(what) + " are not supported yet",
                 {}, {}, {}, token().position};
  }

  // EVENTS INDEX field
  Status parse_index() {
    const Status refused = not_supported("EVENTS INDEX and adaptive indexes");
    advance();
    ASSIGN_OR_RETURN(const EqlField field, parse_field());
    if (token().kind != Kind::kEnd) return syntax_error("EVENTS INDEX takes one field.");
    return Status(Error(refused.error()));
  }

  Status parse_pattern() {
    if (at_clause()) return {};
    if (token().kind != Kind::kWord && token().kind != Kind::kString &&
        token().kind != Kind::kQuotedName) {
      return syntax_error("An event type or pattern, or a clause, is expected here.");
    }
    ast_->pattern = token().text;
    advance();
    return {};
  }

  Status parse_clause() {
    if (is_keyword("SINCE")) return parse_time(ast_->since);
    if (is_keyword("UNTIL")) return parse_time(ast_->until);
    if (is_keyword("SKIP")) return parse_count(ast_->skip);
    if (is_keyword("TAKE")) return parse_count(ast_->take);
    if (is_keyword("STREAM")) return not_supported("STREAM queries");
    if (is_keyword("SORT")) return parse_sort();
    if (take_keyword("WHERE")) return parse_where();
    if (take_keyword("SELECT")) {
      ASSIGN_OR_RETURN(auto fields, parse_fields());
      std::move(fields.begin(), fields.end(), std::back_inserter(ast_->select));
      return {};
    }
    if (at_clause()) return parse_aggregate();
    return syntax_error("A clause is expected here: SINCE, UNTIL, WHERE, SORT, SKIP, TAKE, SELECT, "
                        "COUNT BY, TOP n BY, DISTINCT or GROUP.");
  }

  Status once(bool already) {
    if (already) return error(token().text + " may stand only once");
    advance();
    return {};
  }

  Status parse_time(std::optional<EqlLiteral>& time) {
    RETURN_IF_ERROR(once(time.has_value()));
    ASSIGN_OR_RETURN(time, parse_literal());
    using LiteralKind = EqlLiteral::Kind;
    if (time->kind == LiteralKind::kString && !time->bare) {
      if (const auto value = parse_eql_word(time->text)) time->kind = value->kind;
    }
    if (time->kind != LiteralKind::kTime && time->kind != LiteralKind::kRelative &&
        time->kind != LiteralKind::kToday && time->kind != LiteralKind::kParameter) {
      return Error{sqlstate::kSyntaxError, "a time is expected here", {},
                   "Write 1h ago, now, today, 2024-05-01 or 2024-05-01T12:00:00Z.", {}, time->position};
    }
    return {};
  }

  Status parse_count(std::optional<EqlLiteral>& count) {
    RETURN_IF_ERROR(once(count.has_value()));
    ASSIGN_OR_RETURN(count, parse_non_negative());
    return {};
  }

  Result<EqlLiteral> parse_non_negative() {
    const int position = token().position;
    ASSIGN_OR_RETURN(EqlLiteral literal, parse_literal());
    const bool integer = literal.kind == EqlLiteral::Kind::kInteger && literal.integer >= 0;
    if (!integer && literal.kind != EqlLiteral::Kind::kParameter) {
      return Error{sqlstate::kSyntaxError, "a whole number of rows is expected here", {}, {}, {}, position};
    }
    return literal;
  }

  Status parse_sort() {
    RETURN_IF_ERROR(once(!ast_->sort.empty()));
    do {
      EqlSortItem item;
      ASSIGN_OR_RETURN(item.field, parse_field());
      if (take_keyword("DESC")) {
        item.descending = true;
      } else {
        take_keyword("ASC");
      }
      ast_->sort.push_back(std::move(item));
    } while (take_symbol(","));
    return {};
  }

  Status parse_aggregate() {
    if (ast_->aggregate) return error("only one of COUNT BY, TOP, DISTINCT and GROUP may stand in a query");
    EqlAggregate aggregate;
    aggregate.position = token().position;
    if (take_keyword("COUNT")) {
      RETURN_IF_ERROR(expect_by());
      RETURN_IF_ERROR(add_field(aggregate));
    } else if (take_keyword("TOP")) {
      aggregate.kind = EqlAggregate::Kind::kTop;
      ASSIGN_OR_RETURN(aggregate.top, parse_non_negative());
      RETURN_IF_ERROR(expect_by());
      RETURN_IF_ERROR(add_field(aggregate));
    } else if (take_keyword("DISTINCT")) {
      aggregate.kind = EqlAggregate::Kind::kDistinct;
      RETURN_IF_ERROR(add_field(aggregate));
    } else {
      advance();  // GROUP
      aggregate.kind = EqlAggregate::Kind::kGroup;
      ASSIGN_OR_RETURN(aggregate.fields, parse_fields());
      RETURN_IF_ERROR(parse_function(aggregate));
    }
    ast_->aggregate = std::move(aggregate);
    return {};
  }

  Status expect_by() { return take_keyword("BY") ? Status{} : syntax_error("BY and a field are expected."); }
  Status add_field(EqlAggregate& aggregate) {
    ASSIGN_OR_RETURN(EqlField field, parse_field());
    aggregate.fields.push_back(std::move(field));
    return {};
  }

  Status parse_function(EqlAggregate& aggregate) {
    using Function = EqlAggregate::Function;
    static constexpr std::pair<std::string_view, Function> kFunctions[] = {
        {"SUM", Function::kSum}, {"AVG", Function::kAvg}, {"MIN", Function::kMin}, {"MAX", Function::kMax}};
    if (take_keyword("COUNT")) return {};
    for (const auto& [word, function] : kFunctions) {
      if (!take_keyword(word)) continue;
      aggregate.function = function;
      ASSIGN_OR_RETURN(aggregate.argument, parse_field());
      return {};
    }
    return syntax_error("GROUP fields are followed by COUNT, or SUM, AVG, MIN or MAX and a field.");
  }

  Result<std::vector<EqlField>> parse_fields() {
    std::vector<EqlField> fields;
    do {
      ASSIGN_OR_RETURN(EqlField field, parse_field());
      fields.push_back(std::move(field));
    } while (take_symbol(","));
    return fields;
  }

  // a.b.c, with back-quoted pieces where a key has odd characters: a.`b.c`.d
  Result<EqlField> parse_field() {
    if ((token().kind != Kind::kWord && token().kind != Kind::kQuotedName) || at_clause()) {
      return syntax_error(at_clause() && token().kind == Kind::kWord
                              ? "A field of a keyword's name stands in back-quotes."
                              : "A field is expected here.");
    }
    EqlField field;
    field.position = token().position;
    field.quoted_first = token().kind == Kind::kQuotedName;
    bool open = true;  // a piece must follow
    do {
      if (token().kind == Kind::kQuotedName) {
        if (!open) return syntax_error();
        field.path.push_back(token().text);
        field.text += token().text;
        open = false;
      } else {
        std::string_view word = token().text;
        field.text += word;
        if (!open && !word.starts_with('.')) return syntax_error();
        if (!open) word.remove_prefix(1);
        open = false;
        while (true) {
          const size_t dot = word.find('.');
          if (dot == std::string_view::npos || dot + 1 == word.size()) {
            const std::string_view piece = word.substr(0, dot);
            if (piece.empty() && dot == std::string_view::npos) {
              open = true;  // `x`. with a quoted piece behind it
              break;
            }
            if (piece.empty()) return syntax_error();
            field.path.emplace_back(piece);
            open = dot != std::string_view::npos;
            break;
          }
          if (dot == 0) return syntax_error();
          field.path.emplace_back(word.substr(0, dot));
          word.remove_prefix(dot + 1);
        }
      }
      advance();
    } while (token().adjacent && (token().kind == Kind::kQuotedName ||
                                  (token().kind == Kind::kWord && (open || token().text.starts_with('.')))));
    if (open) return syntax_error("A field's name may not end with a dot.");
    if (field.path.size() > 64) return error("a field's path has too many parts");
    return field;
  }

  Result<EqlLiteral> parse_literal() {
    const EqlToken first = token();
    EqlLiteral literal;
    switch (first.kind) {
      case Kind::kString:
        literal.text = first.text;
        break;
      case Kind::kParameter:
        literal.kind = EqlLiteral::Kind::kParameter;
        std::from_chars(first.text.data(), first.text.data() + first.text.size(), literal.integer);
        break;
      case Kind::kWord: {
        if (const auto duration = parse_eql_duration_ns(first.text)) {
          advance();
          if (!is_keyword("ago") && !is_keyword("hence")) {
            return syntax_error("A duration is followed by ago or hence.");
          }
          literal.kind = EqlLiteral::Kind::kRelative;
          literal.integer = is_keyword("ago") ? -*duration : *duration;
          break;
        }
        const auto value = parse_eql_word(first.text);
        if (value) {
          literal = *value;
        } else {
          literal.text = first.text;
          literal.bare = true;
        }
        break;
      }
      default: return syntax_error("A value is expected here.");
    }
    literal.position = first.position;
    advance();
    return literal;
  }

  Status parse_where() {
    for (const std::string_view other : {"METRIC", "EVENT", "LOG"}) {
      if (!is_keyword(other)) continue;
      // Followed by an operator it is a field of that name.
      const EqlToken& following = tokens_[at_ + 1];
      const bool quoted = following.kind == Kind::kString || following.kind == Kind::kQuotedName;
      const bool word = following.kind == Kind::kWord && !following.text.starts_with('.') &&
                        find_operator(following) == nullptr &&
                        !equals_ignoring_case(following.text, "IS") &&
                        !equals_ignoring_case(following.text, "IN") &&
                        !equals_ignoring_case(following.text, "NOT_IN");
      if (!word && !(quoted && !following.adjacent)) continue;
      if (other == "EVENT") return error("WHERE EVENT stands in LOGS and METRIC queries only");
      return not_supported("WHERE " + std::string(other) + " conditions");
    }
    ASSIGN_OR_RETURN(auto condition, parse_or(0));
    ast_->where.push_back(std::move(condition));
    return {};
  }

  using ConditionPtr = std::unique_ptr<EqlCondition>;

  Result<ConditionPtr> parse_chain(EqlCondition::Kind kind, std::string_view word, int depth) {
    auto chain = std::make_unique<EqlCondition>();
    chain->kind = kind;
    do {
      ASSIGN_OR_RETURN(ConditionPtr child,
                       kind == EqlCondition::Kind::kOr
                           ? parse_chain(EqlCondition::Kind::kAnd, "AND", depth)
                           : parse_primary(depth));
      if (chain->children.size() >= kExpressionTermsMax) {
        return Status(sqlstate::kStatementTooComplex, "the condition has too many terms");
      }
      chain->children.push_back(std::move(child));
    } while (take_keyword(word));
    if (chain->children.size() == 1) return std::move(chain->children[0]);
    return chain;
  }
  Result<ConditionPtr> parse_or(int depth) { return parse_chain(EqlCondition::Kind::kOr, "OR", depth); }

  Result<ConditionPtr> parse_primary(int depth) {
    if (depth > kExpressionDepthMax / 4) {
      return Error{sqlstate::kStatementTooComplex, "the condition is nested too deep", {}, {}, {},
                   token().position};
    }
    if (take_symbol("(")) {
      ASSIGN_OR_RETURN(ConditionPtr inner, parse_or(depth + 1));
      if (!take_symbol(")")) return syntax_error();
      return inner;
    }
    auto condition = std::make_unique<EqlCondition>();
    ASSIGN_OR_RETURN(condition->field, parse_field());
    if (take_keyword("IS")) {
      condition->kind = take_keyword("NOT") ? EqlCondition::Kind::kIsNotNull : EqlCondition::Kind::kIsNull;
      if (!take_keyword("NULL")) return syntax_error();
      return condition;
    }
    if (is_keyword("IN") || is_keyword("NOT_IN")) {
      condition->kind = is_keyword("IN") ? EqlCondition::Kind::kIn : EqlCondition::Kind::kNotIn;
      advance();
      if (!take_symbol("(")) return syntax_error();
      do {
        ASSIGN_OR_RETURN(EqlLiteral value, parse_literal());
        if (condition->values.size() >= kExpressionTermsMax) {
          return Status(sqlstate::kStatementTooComplex, "the list has too many elements");
        }
        condition->values.push_back(std::move(value));
      } while (take_symbol(","));
      if (!take_symbol(")")) return syntax_error();
      return condition;
    }
    const WordOperator* op = find_operator(token());
    if (op == nullptr) return syntax_error("An operator is expected here.");
    condition->kind = op->kind;
    advance();
    ASSIGN_OR_RETURN(EqlLiteral value, parse_literal());
    condition->values.push_back(std::move(value));
    return condition;
  }

  static const WordOperator* find_operator(const EqlToken& token) {
    if (token.kind != Kind::kWord && token.kind != Kind::kSymbol) return nullptr;
    const auto* at = std::find_if(std::begin(kOperators), std::end(kOperators), [&](const WordOperator& op) {
      return equals_ignoring_case(op.word, token.text);
    });
    return at == std::end(kOperators) ? nullptr : at;
  }

  std::vector<EqlToken> tokens_;
  size_t at_ = 0;
  std::unique_ptr<EqlAst> ast_ = std::make_unique<EqlAst>();
};

}  // namespace

Result<std::unique_ptr<EqlAst>> parse_eql(std::string_view text) {
  ASSIGN_OR_RETURN(auto tokens, lex_eql(text));
  return EqlParser(std::move(tokens)).parse();
}

}  // namespace eventd::engine
