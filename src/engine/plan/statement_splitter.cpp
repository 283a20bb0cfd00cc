#include "engine/plan/statement_splitter.h"

#include "engine/plan/sql_scanner.h"

namespace eventd::engine {
namespace {

using Token = SqlScanner::Token;

// Reads up to the token behind a balanced (…). The scanner has just delivered the `(`.
Result<Token> skip_parentheses(SqlScanner& scanner) {
  int depth = 1;
  while (depth > 0) {
    ASSIGN_OR_RETURN(const Token token, scanner.next());
    if (token == Token::kEnd || token == Token::kSemicolon) return token;
    depth += token == Token::kOpen ? 1 : token == Token::kClose ? -1 : 0;
  }
  return scanner.next();
}

// After EXPLAIN: [(options)] or [ANALYZE] [VERBOSE], then the body's first token is current.
Result<Token> skip_explain_options(SqlScanner& scanner) {
  ASSIGN_OR_RETURN(Token token, scanner.next());
  if (token == Token::kOpen) return skip_parentheses(scanner);
  while (token == Token::kWord && (scanner.is_keyword("analyze") ||
                                   scanner.is_keyword("analyse") ||
                                   scanner.is_keyword("verbose"))) {
    ASSIGN_OR_RETURN(token, scanner.next());
  }
  return token;
}

// After PREPARE: name [(types)] AS, then the body's first token is current.
Result<Token> skip_prepare_head(SqlScanner& scanner) {
  ASSIGN_OR_RETURN(Token token, scanner.next());
  if (token == Token::kEnd || token == Token::kSemicolon) return token;
  ASSIGN_OR_RETURN(token, scanner.next());
  if (token == Token::kOpen) {
    ASSIGN_OR_RETURN(token, skip_parentheses(scanner));
  }
  if (token != Token::kWord || !scanner.is_keyword("as")) return Token::kOther;
  return scanner.next();
}

// Advances over a statement's head. On return the scanner's last token is the first word of a
// query if `found`; `in_parentheses` tells that a `)` ends it.
struct Head {
  bool found_eql = false;
  bool in_parentheses = false;
};
Result<Head> scan_head(SqlScanner& scanner) {
  Head head;
  ASSIGN_OR_RETURN(Token token, scanner.next());
  if (token != Token::kWord) return head;
  if (scanner.is_keyword("explain")) {
    ASSIGN_OR_RETURN(token, skip_explain_options(scanner));
  } else if (scanner.is_keyword("prepare")) {
    ASSIGN_OR_RETURN(token, skip_prepare_head(scanner));
  } else if (scanner.is_keyword("copy")) {
    ASSIGN_OR_RETURN(token, scanner.next());
    if (token != Token::kOpen) return head;
    head.in_parentheses = true;
    ASSIGN_OR_RETURN(token, scanner.next());
  }
  head.found_eql = token == Token::kWord && starts_eql(scanner.token_text());
  return head;
}

// From behind the first word of an EQL query to the token that ends it.
Result<Token> scan_eql(SqlScanner& scanner, bool in_parentheses) {
  scanner.set_eql(true);
  int depth = 0;
  for (;;) {
    ASSIGN_OR_RETURN(const Token token, scanner.next());
    const bool closes = token == Token::kClose && in_parentheses && depth == 0;
    if (token == Token::kEnd || token == Token::kSemicolon || closes) {
      scanner.set_eql(false);
      return token;
    }
    depth += token == Token::kOpen ? 1 : token == Token::kClose ? -1 : 0;
  }
}

}  // namespace

Result<std::optional<EqlBody>> find_eql_body(std::string_view statement) {
  SqlScanner scanner(statement);
  ASSIGN_OR_RETURN(const Head head, scan_head(scanner));
  if (!head.found_eql) return std::optional<EqlBody>();
  EqlBody body;
  body.begin = scanner.start();
  ASSIGN_OR_RETURN(const Token end, scan_eql(scanner, head.in_parentheses));
  body.end = end == Token::kEnd ? statement.size() : scanner.start();
  return std::optional<EqlBody>(body);
}

Result<std::vector<StatementText>> split_statements(std::string_view sql) {
  std::vector<StatementText> statements;
  size_t begin = 0;
  for (;;) {
    // Leading blanks, comments and empty statements.
    SqlScanner scanner(sql, begin);
    ASSIGN_OR_RETURN(Token token, scanner.next());
    if (token == Token::kEnd) return statements;
    begin = scanner.start();
    if (token == Token::kSemicolon) {
      begin = scanner.position();
      continue;
    }
    scanner = SqlScanner(sql, begin);
    ASSIGN_OR_RETURN(const Head head, scan_head(scanner));
    if (head.found_eql) {
      ASSIGN_OR_RETURN(token, scan_eql(scanner, head.in_parentheses));
    } else {
      // The head may have looked past the end of a malformed statement: start over.
      scanner = SqlScanner(sql, begin);
      ASSIGN_OR_RETURN(token, scanner.next());
    }
    while (token != Token::kEnd && token != Token::kSemicolon) {
      ASSIGN_OR_RETURN(token, scanner.next());
    }
    const size_t end = token == Token::kEnd ? sql.size() : scanner.start();
    statements.push_back({sql.substr(begin, end - begin), begin});
    begin = scanner.position();
  }
}

}  // namespace eventd::engine
