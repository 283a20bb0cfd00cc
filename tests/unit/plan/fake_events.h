// A relation like `events` that holds nothing and takes what predicates a test allows.
#pragma once

#include <string>
#include <vector>

#include "engine/plan/query_planner.h"
#include "engine/scan/relation.h"

namespace eventd::engine {

class FakeEvents : public Relation {
 public:
  FakeEvents() {
    const auto add = [this](const char* name, Oid type) {
      columns_.push_back({name, {type, -1}, false});
    };
    add("timestamp", oid::kTimestamptz);
    add("event_type", oid::kText);
    add("origin_class", oid::kInt2);
    add("cpu_id", oid::kInt4);
    add("sequence", oid::kInt8);
    add("process_guid", oid::kUuid);
    add("payload", oid::kJsonb);
  }
  std::string_view schema() const override { return "public"; }
  std::string_view name() const override { return "events"; }
  Oid relation_oid() const override { return 4711; }
  const std::vector<RelationColumn>& columns() const override { return columns_; }
  int order_column() const override { return 0; }
  PredicateSupport support(const ScanPredicate& predicate) const override {
    if (predicate.op == ScanPredicate::Op::kStartsWith) return PredicateSupport::kPrune;
    if (predicate.column.extract != ScanColumn::Extract::kNone) return PredicateSupport::kPrune;
    return predicate.column.column <= 4 ? PredicateSupport::kExact : PredicateSupport::kNone;
  }
  ScanEstimate estimate(const ScanRequest&) const override { return {}; }
  Result<std::unique_ptr<Scan>> scan(ScanRequest) const override {
    return Status(sqlstate::kInternalError, "not in this test");
  }

 private:
  std::vector<RelationColumn> columns_;
};

class FakeRelations : public RelationResolver {
 public:
  const Relation* find_relation(std::string_view schema, std::string_view name) const override {
    return name == "events" && (schema.empty() || schema == "public") ? &events_ : nullptr;
  }
  const FakeEvents& events() const { return events_; }

 private:
  FakeEvents events_;
};

}  // namespace eventd::engine
