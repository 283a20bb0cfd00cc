#include <gtest/gtest.h>

#include "engine/plan/ast.h"
#include "engine/plan/eql_binder.h"
#include "engine/plan/eql_parser.h"
#include "tests/unit/plan/fake_events.h"

namespace eventd::engine {
namespace {

using Op = ScanPredicate::Op;

Result<BoundQuery> bound(const std::string& text, std::vector<Oid> declared = {}) {
  static const FakeRelations relations;
  auto query = parse_eql(text);
  if (!query.ok()) return std::move(query).take_status();
  return bind_eql(**query, relations, declared);
}

PlanPtr plan_of(const std::string& text, std::vector<Datum> parameters = {}) {
  auto query = bound(text);
  EXPECT_TRUE(query.ok()) << text << ": " << (query.ok() ? "" : query.error().message);
  if (!query.ok()) return std::make_unique<PlanNode>(PlanNode::Kind::kScan);
  static const CancelToken cancel;
  EvalContext context;
  context.cancel = &cancel;
  auto plan = optimize(std::move(query->plan), parameters, context);
  EXPECT_TRUE(plan.ok()) << text;
  return plan.ok() ? std::move(plan).value() : nullptr;
}

const PlanNode* find(const PlanNode& plan, PlanNode::Kind kind) {
  if (plan.kind == kind) return &plan;
  for (const PlanPtr& child : plan.children) {
    if (const PlanNode* found = find(*child, kind)) return found;
  }
  return nullptr;
}

/// A bound condition in a short form: f(args…), `col` for columns, /a/b for payload paths.
std::string describe(const Expr& e) {
  const auto list = [&](const std::string& name) {
    std::string out = name + "(";
    for (size_t i = 0; i < e.children.size(); ++i) out += (i ? "," : "") + describe(*e.children[i]);
    return out + ")";
  };
  switch (e.kind) {
    case Expr::Kind::kColumn: return "col" + std::to_string(e.index);
    case Expr::Kind::kConstant: return e.constant.is_null() ? "NULL" : datum_to_text({}, e.constant);
    case Expr::Kind::kParameter: return "$" + std::to_string(e.index + 1);
    case Expr::Kind::kCall: return list(std::string(e.function->name));
    case Expr::Kind::kAnd: return list("AND");
    case Expr::Kind::kOr: return list("OR");
    case Expr::Kind::kIsNull: return list("NULL?");
    case Expr::Kind::kIsNotNull: return list("VALUE?");
    case Expr::Kind::kPayloadPath: {
      std::string out;
      for (const std::string& key : e.path) out += "/" + key;
      return out + (e.path_as_text ? "::text" : "");
    }
    default: return "?";
  }
}

std::string where(const std::string& condition) {
  auto query = bound("EVENTS WHERE " + condition);
  if (!query.ok()) return std::string(query.error().code.text()) + "@" + std::to_string(query.error().position);
  return describe(*find(*query->plan, PlanNode::Kind::kFilter)->condition);
}

TEST(EqlBind, PayloadOperators) {
  EXPECT_EQ(where("user == 'Ada'"), "eql_eq(/user,Ada)");
  EXPECT_EQ(where("a.b != 1"), "eql_ne(/a/b,1)");
  EXPECT_EQ(where("a < 1.5"), "eql_lt(/a,1.5)");
  EXPECT_EQ(where("a >= true"), "eql_ge(/a,t)");
  EXPECT_EQ(where("a STARTS_WITH 'x'"), "eql_starts_with(/a,x)");
  EXPECT_EQ(where("a CONTAINS 5"), "f");  // a string operator on no string
  EXPECT_EQ(where("a HAS 5"), "eql_has(/a,5)");
  EXPECT_EQ(where("a IN (1, 'x')"), "OR(eql_eq(/a,1),eql_eq(/a,x))");
  EXPECT_EQ(where("a NOT_IN (1, 'x')"), "AND(eql_ne(/a,1),eql_ne(/a,x))");
  EXPECT_EQ(where("a IS NULL"), "NULL?(/a::text)");
  EXPECT_EQ(where("payload.cpu_id == 1"), "eql_eq(/cpu_id,1)");
  EXPECT_EQ(where("`cpu_id` == 1"), "eql_eq(/cpu_id,1)");
  EXPECT_EQ(where("payload IS NOT NULL"), "VALUE?(col6)");
}

TEST(EqlBind, TextColumn) {
  EXPECT_EQ(where("event_type == 'A'"), "eql_eq(col1,A)");
  EXPECT_EQ(where("event_type ENDS_WITH 'A'"), "eql_ends_with(col1,A)");
  EXPECT_EQ(where("event_type > 'A'"), "f");  // ordering is for numbers
  EXPECT_EQ(where("event_type == 5"), "f");
  EXPECT_EQ(where("event_type != 5"), "VALUE?(col1)");
  EXPECT_EQ(where("event_type HAS 'a'"), "f");
}

TEST(EqlBind, NumberColumns) {
  EXPECT_EQ(where("cpu_id == 5"), "int48eq(col3,5)");
  EXPECT_EQ(where("sequence >= 5"), "int8ge(col4,5)");
  EXPECT_EQ(where("cpu_id STARTS_WITH '5'"), "f");
  EXPECT_EQ(where("cpu_id == '5'"), "f");
  EXPECT_EQ(where("cpu_id != '5'"), "VALUE?(col3)");
  EXPECT_EQ(where("origin_class == kacs"), "int28eq(col2,2)");
  EXPECT_EQ(where("origin_class IN ('LCS', userspace)"), "OR(int28eq(col2,3),int28eq(col2,0))");
  EXPECT_EQ(where("origin_class == nobody"), "42601@30");
}

TEST(EqlBind, GuidAndTimeColumns) {
  EXPECT_EQ(where("process_guid == '{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}'"),
            "uuid_eq(col5,a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11)");
  EXPECT_EQ(where("process_guid CONTAINS 'a'"), "f");
  EXPECT_EQ(where("process_guid == 5"), "f");
  EXPECT_EQ(where("process_guid == 'x'"), "22P02@30");
  EXPECT_EQ(where("timestamp >= 2024-05-01").substr(0, 15), "timestamptz_ge(");
  EXPECT_EQ(where("timestamp == 'soon'"), "42601@27");
  EXPECT_EQ(where("timestamp == 5"), "f");
  EXPECT_EQ(where("timestamp < 2024-13-01"), "22008@26");
}

TEST(EqlBind, StringsNeedQuotes) {
  EXPECT_EQ(where("user == ada"), "42601@22");
  EXPECT_EQ(where("`origin_class` == kacs"), "42601@32");
  EXPECT_FALSE(bound("EVENTS WHERE user == ada").error().hint.empty());
}

TEST(EqlBind, Parameters) {
  auto query = bound("EVENTS WHERE user == $1 AND cpu_id == $2 SINCE $3 TAKE $4");
  ASSERT_TRUE(query.ok()) << query.error().message;
  EXPECT_EQ(query->parameter_types,
            (std::vector<Oid>{oid::kText, oid::kInt8, oid::kTimestamptz, oid::kInt8}));
  auto declared = bound("EVENTS WHERE user == $1", {oid::kInt4});
  ASSERT_TRUE(declared.ok());
  EXPECT_EQ(declared->parameter_types, std::vector<Oid>{oid::kInt4});
}

std::vector<std::string> columns_of(const std::string& text) {
  auto query = bound(text);
  std::vector<std::string> names;
  if (!query.ok()) return {std::string(query.error().code.text())};
  for (const OutputColumn& column : query->columns) {
    names.push_back(column.name + ":" + std::string(type_info(column.type.id).name));
  }
  return names;
}

TEST(EqlBind, ResultColumns) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(columns_of("EVENTS SELECT cpu_id, a.b"), (Names{"cpu_id:int4", "a.b:text"}));
  EXPECT_EQ(columns_of("EVENTS COUNT BY cpu_id"), (Names{"cpu_id:int4", "count:int8"}));
  EXPECT_EQ(columns_of("EVENTS DISTINCT a.b"), (Names{"a.b:text"}));
  EXPECT_EQ(columns_of("EVENTS GROUP event_type, u SUM a"), (Names{"event_type:text", "u:text", "sum:float8"}));
  EXPECT_EQ(columns_of("EVENTS GROUP u SUM sequence"), (Names{"u:text", "sum:numeric"}));
  // What is no number is left out: nothing is left.
  EXPECT_EQ(columns_of("EVENTS GROUP u AVG event_type"), (Names{"u:text", "avg:float8"}));
  EXPECT_EQ(columns_of("EVENTS GROUP u AVG sequence"), (Names{"u:text", "avg:float8"}));
  EXPECT_EQ(columns_of("EVENTS GROUP u SUM cpu_id"), (Names{"u:text", "sum:numeric"}));
  EXPECT_EQ(columns_of("EVENTS GROUP u MIN cpu_id"), (Names{"u:text", "min:int4"}));
  EXPECT_EQ(columns_of("EVENTS GROUP u MAX timestamp"), (Names{"u:text", "max:timestamptz"}));
  EXPECT_EQ(columns_of("EVENTS COUNT BY u SELECT `count`"), Names{"count:int8"});
  EXPECT_EQ(columns_of("EVENTS COUNT BY u SELECT x"), Names{"42601"});
  EXPECT_EQ(columns_of("EVENTS COUNT BY u SORT x"), Names{"42601"});
}

/// A catalog that knows some fields of types beginning with `t.`.
class TypedRelations final : public RelationResolver {
 public:
  const Relation* find_relation(std::string_view schema, std::string_view name) const override {
    return relations_.find_relation(schema, name);
  }
  std::optional<Oid> payload_type(const std::optional<std::string>& pattern,
                                  std::span<const std::string> path) const override {
    if (!pattern || !pattern->starts_with("t.") || path.size() != 1) return std::nullopt;
    if (path[0] == "b") return oid::kBool;
    if (path[0] == "i") return oid::kInt8;
    if (path[0] == "f") return oid::kFloat8;
    if (path[0] == "x") return oid::kBytea;
    if (path[0] == "j") return oid::kJsonb;
    return std::nullopt;
  }

 private:
  FakeRelations relations_;
};

TEST(EqlBind, FieldsHaveTheTypesOfTheCatalog) {
  static const TypedRelations relations;
  const auto types_of = [&](const std::string& text) {
    const auto query = parse_eql(text);
    EXPECT_TRUE(query.ok()) << text;
    const auto result = bind_eql(**query, relations, std::span<const Oid>());
    if (!result.ok()) return result.error().message;
    std::string names;
    for (const OutputColumn& column : result->columns) {
      names += std::string(type_info(column.type.id).name) + " ";
    }
    for (const Oid type : result->parameter_types) names += "$" + std::string(type_info(type).name) + " ";
    return names;
  };
  EXPECT_EQ(types_of("EVENTS t.x SELECT b, i, f, x, j, s, payload.i"), "bool int8 float8 bytea jsonb text int8 ");
  EXPECT_EQ(types_of("EVENTS other SELECT b, i"), "text text ");
  EXPECT_EQ(types_of("EVENTS SELECT i"), "text ");
  EXPECT_EQ(types_of("EVENTS t.* COUNT BY i"), "int8 int8 ");
  EXPECT_EQ(types_of("EVENTS t.* DISTINCT f"), "float8 ");
  EXPECT_EQ(types_of("EVENTS t.* GROUP b SUM i"), "bool numeric ");
  EXPECT_EQ(types_of("EVENTS t.* GROUP b SUM f"), "bool float8 ");
  EXPECT_EQ(types_of("EVENTS t.* GROUP b AVG i"), "bool float8 ");
  EXPECT_EQ(types_of("EVENTS t.* GROUP b MIN i"), "bool int8 ");
  EXPECT_EQ(types_of("EVENTS t.* GROUP b MAX s"), "bool float8 ");
  // Parameters nobody gave a type have the field's.
  EXPECT_EQ(types_of("EVENTS t.* WHERE i == $1 WHERE s == $2 WHERE f > $3 WHERE b != $4 SELECT i"),
            "int8 $int8 $text $float8 $bool ");
  EXPECT_EQ(types_of("EVENTS t.* WHERE i CONTAINS $1 SELECT i"), "int8 $text ");
}

TEST(EqlBind, IntegersBeyondInt64AreExact) {
  EXPECT_EQ(where("a == 18446744073709551615"), "eql_eq(/a,18446744073709551615)");
  EXPECT_EQ(where("a == 0xffffffffffffffff"), "eql_eq(/a,18446744073709551615)");
  EXPECT_EQ(where("a == 123456789012345678901234567890"), "eql_eq(/a,123456789012345678901234567890)");
}

TEST(EqlBind, OrderOfAggregates) {
  const PlanPtr count = plan_of("EVENTS COUNT BY user");
  const PlanNode* sort = find(*count, PlanNode::Kind::kSort);
  ASSERT_EQ(sort->sort_keys.size(), 2u);
  EXPECT_TRUE(sort->sort_keys[0].descending);
  EXPECT_EQ(sort->sort_keys[0].expression->index, 1);
  EXPECT_FALSE(sort->sort_keys[1].descending);
  EXPECT_TRUE(sort->sort_keys[1].eql_order);  // a missing value last
  const PlanPtr top = plan_of("EVENTS TOP 3 BY user SKIP 1 TAKE 5");
  ASSERT_EQ(top->kind, PlanNode::Kind::kLimit);
  EXPECT_EQ(top->children[0]->kind, PlanNode::Kind::kLimit);
  EXPECT_EQ(top->children[0]->limit->constant, Datum::int8(3));
}

// --- what reaches the scan ---

const ScanPredicate* pushed(const PlanNode& plan, size_t count = 1) {
  const PlanNode* scan = find(plan, PlanNode::Kind::kScan);
  EXPECT_EQ(scan->scan_predicates.size(), count);
  return scan->scan_predicates.empty() ? nullptr : scan->scan_predicates.data();
}

TEST(EqlPushdown, TypePatterns) {
  const struct {
    const char* pattern;
    Op op;
    const char* value;
  } kCases[] = {{"kacs.*", Op::kStartsWith, "kacs."}, {"*.denied", Op::kGlob, "*.denied"},
                {"a*b*", Op::kGlob, "a*b*"},          {"kacs.open", Op::kEq, "kacs.open"}};
  for (const auto& entry : kCases) {
    const PlanPtr plan = plan_of(std::string("EVENTS ") + entry.pattern);
    const ScanPredicate* predicate = pushed(*plan);
    ASSERT_NE(predicate, nullptr) << entry.pattern;
    EXPECT_EQ(predicate->op, entry.op) << entry.pattern;
    EXPECT_EQ(predicate->values[0], Datum::text(entry.value)) << entry.pattern;
    EXPECT_TRUE(predicate->ignore_case) << entry.pattern;
  }
  EXPECT_EQ(find(*plan_of("EVENTS kacs.open"), PlanNode::Kind::kFilter), nullptr);
  EXPECT_TRUE(find(*plan_of("EVENTS *"), PlanNode::Kind::kScan)->scan_predicates.empty());
}

TEST(EqlPushdown, TypeConditions) {
  const PlanPtr in = plan_of("EVENTS WHERE event_type IN ('a', 'B')");
  const ScanPredicate* predicate = pushed(*in);
  EXPECT_EQ(predicate->op, Op::kIn);
  EXPECT_EQ(predicate->values.size(), 2u);
  EXPECT_TRUE(predicate->ignore_case);
  EXPECT_EQ(pushed(*plan_of("EVENTS WHERE event_type != 'a'"))->op, Op::kNotEq);
  EXPECT_EQ(pushed(*plan_of("EVENTS WHERE event_type CONTAINS 'a'"))->values[0], Datum::text("*a*"));
  EXPECT_EQ(pushed(*plan_of("EVENTS WHERE event_type ENDS_WITH 'a'"))->values[0], Datum::text("*a"));
  // A star is text there, but special in a glob.
  EXPECT_TRUE(find(*plan_of("EVENTS WHERE event_type CONTAINS 'a*'"), PlanNode::Kind::kScan)
                  ->scan_predicates.empty());
  // Parameters are constants by then.
  EXPECT_EQ(pushed(*plan_of("EVENTS WHERE event_type == $1", {Datum::text("x")}))->values[0],
            Datum::text("x"));
}

TEST(EqlPushdown, PayloadStringsOnlyPrune) {
  const PlanPtr plan = plan_of("EVENTS WHERE user == 'ada'");
  EXPECT_NE(find(*plan, PlanNode::Kind::kFilter), nullptr);
  const ScanPredicate* predicate = pushed(*plan);
  EXPECT_EQ(predicate->column.extract, ScanColumn::Extract::kText);
  EXPECT_EQ(predicate->column.path, std::vector<std::string>{"user"});
  EXPECT_TRUE(predicate->ignore_case);
  EXPECT_EQ(pushed(*plan_of("EVENTS WHERE user STARTS_WITH 'a'"))->op, Op::kStartsWith);
  // A number equals 5 and 5.0, a missing value is not "unequal": neither is a text test.
  EXPECT_TRUE(find(*plan_of("EVENTS WHERE pid == 5"), PlanNode::Kind::kScan)->scan_predicates.empty());
  EXPECT_TRUE(find(*plan_of("EVENTS WHERE user != 'a'"), PlanNode::Kind::kScan)->scan_predicates.empty());
}

TEST(EqlPushdown, TimeRangesAndNestedAnds) {
  const PlanPtr plan = plan_of("EVENTS SINCE 2h ago WHERE (cpu_id == 1 AND (sequence > 5))");
  EXPECT_EQ(find(*plan, PlanNode::Kind::kFilter), nullptr);
  const ScanPredicate* predicates = pushed(*plan, 4);
  EXPECT_EQ(predicates[0].op, Op::kGreaterEq);
  EXPECT_EQ(predicates[1].op, Op::kLess);  // UNTIL is now
  const int64_t width = predicates[1].values[0].as<int64_t>() - predicates[0].values[0].as<int64_t>();
  EXPECT_EQ(width, 7'200'000'000);
}

TEST(EqlPushdown, LastRowsComeInOrder) {
  for (const char* text : {"EVENTS TAKE 10", "EVENTS SORT timestamp DESC TAKE 10", "EVENTS a TAKE 7 SKIP 3"}) {
    const PlanPtr plan = plan_of(text);
    const PlanNode* scan = find(*plan, PlanNode::Kind::kScan);
    ASSERT_TRUE(scan->scan_order.has_value()) << text;
    EXPECT_TRUE(scan->scan_order->descending) << text;
    EXPECT_EQ(scan->scan_partition_limit, 10u) << text;
  }
  EXPECT_FALSE(find(*plan_of("EVENTS SORT timestamp TAKE 1"), PlanNode::Kind::kScan)->scan_order->descending);
  // What the scan only prunes leaves it open how many rows are needed.
  const PlanPtr filtered = plan_of("EVENTS WHERE user == 'ada' TAKE 10");
  EXPECT_TRUE(find(*filtered, PlanNode::Kind::kScan)->scan_order.has_value());
  EXPECT_FALSE(find(*filtered, PlanNode::Kind::kScan)->scan_partition_limit.has_value());
  EXPECT_FALSE(find(*plan_of("EVENTS SORT user TAKE 1"), PlanNode::Kind::kScan)->scan_order.has_value());
}

}  // namespace
}  // namespace eventd::engine
