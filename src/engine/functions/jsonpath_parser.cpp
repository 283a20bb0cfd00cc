// jsonpath text → PathNode tree: recursive descent with the precedences of PostgreSQL's grammar.
#include <charconv>

#include "engine/functions/jsonpath.h"
#include "engine/functions/jsonpath_lexer.h"
#include "engine/functions/text_helpers.h"

namespace eventd::engine {
namespace {

using Kind = PathToken::Kind;
using NodeResult = Result<PathNodePtr>;

// Each level takes a dozen frames.
constexpr int kNestingMax = 60;
/// Steps and operators of one path: trees are walked, and freed, recursively.
constexpr int kNodesMax = 500;

PathNodePtr make(PathKind kind) {
  auto node = std::make_unique<PathNode>();
  node->kind = kind;
  return node;
}
PathNodePtr make(PathKind kind, PathNodePtr left, PathNodePtr right = nullptr) {
  PathNodePtr node = make(kind);
  node->left = std::move(left);
  node->right = std::move(right);
  return node;
}

bool is_predicate(const PathNode& node) { return node.next == nullptr && node.kind >= PathKind::kAnd && node.kind <= PathKind::kGreaterEqual; }

struct NamedKind {
  std::string_view name;
  PathKind kind;
};
constexpr NamedKind kMethods[] = {{"type", PathKind::kType},       {"size", PathKind::kSize},     {"abs", PathKind::kAbs},
                                  {"floor", PathKind::kFloor},     {"ceiling", PathKind::kCeiling}, {"double", PathKind::kDouble},
                                  {"datetime", PathKind::kDatetime}, {"keyvalue", PathKind::kKeyValue}};
constexpr NamedKind kComparisons[] = {{"==", PathKind::kEqual},      {"!=", PathKind::kNotEqual}, {"<", PathKind::kLess},
                                      {"<=", PathKind::kLessEqual}, {">", PathKind::kGreater},   {">=", PathKind::kGreaterEqual}};

class PathParser {
 public:
  explicit PathParser(std::string_view text) : lexer_(text) {}

  Result<std::shared_ptr<const JsonPath>> run() {
    auto path = std::make_shared<JsonPath>();
    RETURN_IF_ERROR(advance());
    if (is_word("strict") || is_word("lax")) {
      path->lax = is_word("lax");
      RETURN_IF_ERROR(advance());
    }
    ASSIGN_OR_RETURN(path->root, disjunction());
    if (token_.kind != Kind::kEnd) return unexpected();
    return std::shared_ptr<const JsonPath>(std::move(path));
  }

 private:
  Status advance() {
    ASSIGN_OR_RETURN(token_, lexer_.next());
    return Status();
  }
  Status unexpected() const {
    if (token_.kind == Kind::kEnd) return Status(sqlstate::kSyntaxError, "syntax error at end of jsonpath input");
    return Status(sqlstate::kSyntaxError, "syntax error at or near \"" + std::string(token_.raw) + "\" of jsonpath input");
  }
  bool is_symbol(std::string_view text) const { return token_.kind == Kind::kSymbol && token_.text == text; }
  /// Keywords: any case, but null, true and false.
  bool is_word(std::string_view word) const {
    return token_.kind == Kind::kName && equal_ignoring_ascii_case(token_.text, word);
  }
  Status expect(std::string_view symbol) {
    if (!is_symbol(symbol)) return unexpected();
    return advance();
  }
  Status expect_word(std::string_view word) {
    if (!is_word(word)) return unexpected();
    return advance();
  }

  static Status too_complex() { return Status(sqlstate::kStatementTooComplex, "stack depth limit exceeded"); }
  Status count_node() { return ++nodes_ > kNodesMax ? too_complex() : Status(); }

  /// A predicate where one must stand.
  Status require_predicate(const PathNodePtr& node) const { return is_predicate(*node) ? Status() : unexpected(); }
  Status require_expression(const PathNodePtr& node) const { return is_predicate(*node) ? unexpected() : Status(); }

  NodeResult disjunction() {
    if (++depth_ > kNestingMax) return too_complex();
    ASSIGN_OR_RETURN(PathNodePtr left, conjunction());
    while (is_symbol("||")) {
      RETURN_IF_ERROR(count_node());
      RETURN_IF_ERROR(require_predicate(left));
      RETURN_IF_ERROR(advance());
      ASSIGN_OR_RETURN(PathNodePtr right, conjunction());
      RETURN_IF_ERROR(require_predicate(right));
      left = make(PathKind::kOr, std::move(left), std::move(right));
    }
    --depth_;
    return left;
  }
  NodeResult conjunction() {
    ASSIGN_OR_RETURN(PathNodePtr left, comparison());
    while (is_symbol("&&")) {
      RETURN_IF_ERROR(count_node());
      RETURN_IF_ERROR(require_predicate(left));
      RETURN_IF_ERROR(advance());
      ASSIGN_OR_RETURN(PathNodePtr right, comparison());
      RETURN_IF_ERROR(require_predicate(right));
      left = make(PathKind::kAnd, std::move(left), std::move(right));
    }
    return left;
  }

  NodeResult comparison() {
    if (is_symbol("!")) {
      RETURN_IF_ERROR(advance());
      if (!is_symbol("(") && !is_word("exists")) return unexpected();
      ASSIGN_OR_RETURN(PathNodePtr inner, delimited());
      RETURN_IF_ERROR(require_predicate(inner));
      return make(PathKind::kNot, std::move(inner));
    }
    if (is_word("exists")) return delimited();
    ASSIGN_OR_RETURN(PathNodePtr left, sum());
    for (const NamedKind& op : kComparisons) {
      if (!is_symbol(op.name)) continue;
      RETURN_IF_ERROR(require_expression(left));
      RETURN_IF_ERROR(advance());
      ASSIGN_OR_RETURN(PathNodePtr right, sum());
      RETURN_IF_ERROR(require_expression(right));
      return make(op.kind, std::move(left), std::move(right));
    }
    if (is_word("starts")) return starts_with(std::move(left));
    if (is_word("like_regex")) return like_regex(std::move(left));
    return left;
  }

  NodeResult starts_with(PathNodePtr left) {
    RETURN_IF_ERROR(require_expression(left));
    RETURN_IF_ERROR(advance());
    RETURN_IF_ERROR(expect_word("with"));
    if (token_.kind != Kind::kString && token_.kind != Kind::kVariable) return unexpected();
    PathNodePtr initial = make(token_.kind == Kind::kString ? PathKind::kString : PathKind::kVariable);
    initial->text = token_.text;
    RETURN_IF_ERROR(advance());
    return make(PathKind::kStartsWith, std::move(left), std::move(initial));
  }

  NodeResult like_regex(PathNodePtr left) {
    RETURN_IF_ERROR(require_expression(left));
    RETURN_IF_ERROR(advance());
    if (token_.kind != Kind::kString) return unexpected();
    PathNodePtr node = make(PathKind::kLikeRegex, std::move(left));
    node->text = token_.text;
    RETURN_IF_ERROR(advance());
    std::string letters;
    if (is_word("flag")) {
      RETURN_IF_ERROR(advance());
      if (token_.kind != Kind::kString) return unexpected();
      letters = token_.text;
      RETURN_IF_ERROR(advance());
    }
    RETURN_IF_ERROR(set_flags(letters, *node));
    return node;
  }

  Status set_flags(std::string_view letters, PathNode& node) {
    for (const char c : letters) {
      if (std::string_view("ismxq").find(c) != std::string_view::npos) continue;
      Error error{sqlstate::kSyntaxError, "invalid input syntax for type jsonpath", {}, {}, {}, 0};
      error.detail = std::string("Unrecognized flag character \"") + c + "\" in LIKE_REGEX predicate.";
      return Status(std::move(error));
    }
    const auto has = [&](char c) { return letters.find(c) != std::string_view::npos; };
    for (const char c : std::string_view("ismxq"))
      if (has(c)) node.flags.push_back(c);
    RegexFlags flags;
    flags.ignore_case = has('i');
    flags.literal = has('q');
    if (!flags.literal) {
      if (has('x'))
        return Status(sqlstate::kFeatureNotSupported, "XQuery \"x\" flag (expanded regular expressions) is not implemented");
      flags.dot_stops_at_newline = !has('s');
      flags.lines = has('m');
    }
    ASSIGN_OR_RETURN(node.regex, Regex::compile(node.text, flags));
    return Status();
  }

  /// '(' predicate ')' or exists '(' expression ')', with what may follow.
  NodeResult delimited() {
    if (is_word("exists")) {
      RETURN_IF_ERROR(advance());
      RETURN_IF_ERROR(expect("("));
      ASSIGN_OR_RETURN(PathNodePtr inner, sum());
      RETURN_IF_ERROR(require_expression(inner));
      RETURN_IF_ERROR(expect(")"));
      return make(PathKind::kExists, std::move(inner));
    }
    RETURN_IF_ERROR(expect("("));
    ASSIGN_OR_RETURN(PathNodePtr inner, disjunction());
    RETURN_IF_ERROR(expect(")"));
    return inner;
  }

  NodeResult sum() {
    ASSIGN_OR_RETURN(PathNodePtr left, product());
    while (is_symbol("+") || is_symbol("-")) {
      RETURN_IF_ERROR(count_node());
      const PathKind kind = is_symbol("+") ? PathKind::kAdd : PathKind::kSubtract;
      RETURN_IF_ERROR(require_expression(left));
      RETURN_IF_ERROR(advance());
      ASSIGN_OR_RETURN(PathNodePtr right, product());
      RETURN_IF_ERROR(require_expression(right));
      left = make(kind, std::move(left), std::move(right));
    }
    return left;
  }
  NodeResult product() {
    ASSIGN_OR_RETURN(PathNodePtr left, unary());
    while (is_symbol("*") || is_symbol("/") || is_symbol("%")) {
      RETURN_IF_ERROR(count_node());
      const PathKind kind = is_symbol("*")   ? PathKind::kMultiply
                            : is_symbol("/") ? PathKind::kDivide
                                             : PathKind::kModulo;
      RETURN_IF_ERROR(require_expression(left));
      RETURN_IF_ERROR(advance());
      ASSIGN_OR_RETURN(PathNodePtr right, unary());
      RETURN_IF_ERROR(require_expression(right));
      left = make(kind, std::move(left), std::move(right));
    }
    return left;
  }
  NodeResult unary() {
    if (!is_symbol("+") && !is_symbol("-")) return accessors();
    const bool minus = is_symbol("-");
    RETURN_IF_ERROR(advance());
    if (++depth_ > kNestingMax) return too_complex();
    ASSIGN_OR_RETURN(PathNodePtr inner, unary());
    --depth_;
    RETURN_IF_ERROR(require_expression(inner));
    if (inner->kind == PathKind::kNumber && inner->next == nullptr) {
      if (minus) inner->number = -inner->number;
      return inner;
    }
    return make(minus ? PathKind::kMinus : PathKind::kPlus, std::move(inner));
  }

  NodeResult accessors() {
    ASSIGN_OR_RETURN(PathNodePtr head, primary());
    PathNode* tail = head.get();
    while (tail->next != nullptr) tail = tail->next.get();
    while (is_symbol(".") || is_symbol("[") || is_symbol("?")) {
      RETURN_IF_ERROR(count_node());
      ASSIGN_OR_RETURN(tail->next, accessor());
      tail = tail->next.get();
    }
    return head;
  }

  NodeResult primary() {
    PathNodePtr node;
    switch (token_.kind) {
      case Kind::kString:
      case Kind::kVariable:
        node = make(token_.kind == Kind::kString ? PathKind::kString : PathKind::kVariable);
        node->text = token_.text;
        break;
      case Kind::kInteger:
      case Kind::kDecimal: {
        node = make(PathKind::kNumber);
        ASSIGN_OR_RETURN(node->number, Numeric::parse(token_.text));
        break;
      }
      case Kind::kName:
        if (token_.text == "null") node = make(PathKind::kNull);
        else if (token_.text == "true" || token_.text == "false") {
          node = make(PathKind::kBool);
          node->boolean = token_.text == "true";
        } else if (is_word("last")) {
          if (!in_subscript_) return {sqlstate::kSyntaxError, "LAST is allowed only in array subscripts"};
          node = make(PathKind::kLast);
        } else {
          return unexpected();
        }
        break;
      default:
        if (is_symbol("$")) node = make(PathKind::kRoot);
        else if (is_symbol("@")) {
          if (filters_ == 0) return {sqlstate::kSyntaxError, "@ is not allowed in root expressions"};
          node = make(PathKind::kCurrent);
        } else if (is_symbol("(")) {
          return parenthesized();
        } else {
          return unexpected();
        }
    }
    RETURN_IF_ERROR(advance());
    return node;
  }

  NodeResult parenthesized() {
    ASSIGN_OR_RETURN(PathNodePtr inner, delimited());
    if (is_word("is")) {
      RETURN_IF_ERROR(require_predicate(inner));
      RETURN_IF_ERROR(advance());
      RETURN_IF_ERROR(expect_word("unknown"));
      return make(PathKind::kIsUnknown, std::move(inner));
    }
    return inner;
  }

  NodeResult accessor() {
    if (is_symbol("[")) return array_accessor();
    if (is_symbol("?")) return filter();
    RETURN_IF_ERROR(advance());  // .
    PathNodePtr node;
    if (is_symbol("*")) {
      node = make(PathKind::kAnyKey);
      RETURN_IF_ERROR(advance());
      return node;
    }
    if (is_symbol("**")) return any_path();
    if (token_.kind != Kind::kName && token_.kind != Kind::kString) return unexpected();
    const PathToken key = token_;
    RETURN_IF_ERROR(advance());
    if (key.kind == Kind::kName && is_symbol("(")) return method(key);
    node = make(PathKind::kKey);
    node->text = key.text;
    return node;
  }

  NodeResult method(const PathToken& name) {
    for (const NamedKind& known : kMethods) {
      if (!equal_ignoring_ascii_case(name.text, known.name)) continue;
      RETURN_IF_ERROR(advance());
      PathNodePtr node = make(known.kind);
      if (known.kind == PathKind::kDatetime && token_.kind == Kind::kString) {
        node->left = make(PathKind::kString);
        node->left->text = token_.text;
        RETURN_IF_ERROR(advance());
      }
      RETURN_IF_ERROR(expect(")"));
      return node;
    }
    return unexpected();
  }

  NodeResult filter() {
    RETURN_IF_ERROR(advance());
    RETURN_IF_ERROR(expect("("));
    ++filters_;
    const bool outer = in_subscript_;
    in_subscript_ = false;
    ASSIGN_OR_RETURN(PathNodePtr inner, disjunction());
    in_subscript_ = outer;
    --filters_;
    RETURN_IF_ERROR(require_predicate(inner));
    RETURN_IF_ERROR(expect(")"));
    return make(PathKind::kFilter, std::move(inner));
  }

  NodeResult array_accessor() {
    RETURN_IF_ERROR(advance());
    if (is_symbol("*")) {
      RETURN_IF_ERROR(advance());
      RETURN_IF_ERROR(expect("]"));
      return make(PathKind::kAnyArray);
    }
    PathNodePtr node = make(PathKind::kIndexes);
    const bool outer = in_subscript_;
    in_subscript_ = true;
    for (;;) {
      PathNodePtr to;
      ASSIGN_OR_RETURN(PathNodePtr from, subscript());
      if (is_word("to")) {
        RETURN_IF_ERROR(advance());
        ASSIGN_OR_RETURN(to, subscript());
      }
      node->subscripts.emplace_back(std::move(from), std::move(to));
      if (!is_symbol(",")) break;
      RETURN_IF_ERROR(advance());
    }
    in_subscript_ = outer;
    RETURN_IF_ERROR(expect("]"));
    return node;
  }
  NodeResult subscript() {
    if (++depth_ > kNestingMax) return too_complex();
    ASSIGN_OR_RETURN(PathNodePtr node, sum());
    --depth_;
    RETURN_IF_ERROR(require_expression(node));
    return node;
  }

  NodeResult any_path() {
    RETURN_IF_ERROR(advance());
    PathNodePtr node = make(PathKind::kAnyPath);
    node->last = kPathLastLevel;
    if (!is_symbol("{")) return node;
    RETURN_IF_ERROR(advance());
    ASSIGN_OR_RETURN(node->first, level());
    node->last = node->first;
    if (is_word("to")) {
      RETURN_IF_ERROR(advance());
      ASSIGN_OR_RETURN(node->last, level());
    }
    RETURN_IF_ERROR(expect("}"));
    return node;
  }
  Result<uint32_t> level() {
    uint32_t value = kPathLastLevel;
    if (token_.kind == Kind::kInteger) {
      const auto [end, error] = std::from_chars(token_.text.data(), token_.text.data() + token_.text.size(), value);
      if (error != std::errc()) value = kPathLastLevel;
    } else if (!is_word("last")) {
      return unexpected();
    }
    RETURN_IF_ERROR(advance());
    return value;
  }

  PathLexer lexer_;
  PathToken token_;
  int depth_ = 0, filters_ = 0, nodes_ = 0;
  bool in_subscript_ = false;
};

}  // namespace

Result<std::shared_ptr<const JsonPath>> parse_json_path(std::string_view text) {
  if (text.find_first_not_of(" \t\n\r\f") == std::string_view::npos)
    return Status(sqlstate::kInvalidTextRepresentation,
                  "invalid input syntax for type jsonpath: \"" + std::string(text) + "\"");
  return PathParser(text).run();
}

}  // namespace eventd::engine
