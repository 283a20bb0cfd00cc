// What EXPLAIN says of one node, besides its name and costs. Private to engine/exec.
#pragma once

#include <string>
#include <vector>

#include "engine/exec/executor.h"
#include "engine/exec/explain_names.h"
#include "engine/exec/physical_plan.h"

namespace eventd::engine {

/// Named facts of a node, in order. Numbers are printed bare in JSON.
struct ExplainProperty {
  std::string name = {}, text = {};
  bool is_number = false;
  bool is_list = false;
  std::vector<std::string> list = {};
};

/// PostgreSQL's words for a node: "Hash Left Join", "Hash Join" and "Left" in JSON.
struct ExplainTitle {
  std::string text;       ///< as the text form has it, with what it reads
  std::string node_type;  ///< "Node Type"
  std::string strategy;   ///< of aggregates and set operations; may be empty
  std::string join_type;  ///< may be empty
  std::string command;    ///< of set operations; may be empty
};
ExplainTitle explain_title(const PhysicalNode& node, const ExplainOptions& options);

/// How the queries in a node's expressions are called there, in their order.
using QueryNames = std::vector<std::string>;

/// Facts of `core` and of the filters and projections that are shown as part of it: those from
/// `shown` down to it. `queries` has a list for each of these nodes, from the top.
class ExplainProperties {
 public:
  ExplainProperties(const ExplainNames& names, const EvalContext& context, const ExplainOptions& options)
      : names_(names), context_(context), options_(options) {}

  std::vector<ExplainProperty> of(const std::vector<const PhysicalNode*>& shown,
                                  const std::vector<QueryNames>& queries) const;

 private:
  void add_pushed(const PlanNode& plan, std::vector<ExplainProperty>& out) const;
  void add_keys(const char* name, const PlanNode& plan, const std::vector<ExprPtr>& keys,
                std::vector<ExplainProperty>& out) const;
  void add_grouping_sets(const PlanNode& plan, std::vector<ExplainProperty>& out) const;
  void add_sort_keys(const PlanNode& plan, std::vector<ExplainProperty>& out) const;
  void add_join_conditions(const PhysicalNode& node, const QueryNames& queries,
                           std::vector<ExplainProperty>& out) const;
  void add_function_call(const PlanNode& plan, std::vector<ExplainProperty>& out) const;
  void add_measured(const PhysicalNode& node, std::vector<ExplainProperty>& out) const;

  const ExplainNames& names_;
  const EvalContext& context_;
  const ExplainOptions& options_;
};

}  // namespace eventd::engine
