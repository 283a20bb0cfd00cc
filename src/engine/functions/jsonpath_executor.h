// Runs a jsonpath over a jsonb value. Semantics: SQL/JSON as PostgreSQL 15 implements it
// (manual 9.16.2): lax and strict mode, three-valued filters.
#pragma once

#include <optional>

#include "engine/functions/jsonpath.h"
#include "engine/functions/jsonpath_item.h"

namespace eventd::engine {

struct PathOptions {
  ByteSpan variables;     ///< a msgpack map
  bool silent = false;
  bool use_zone = false;  ///< the …_tz functions
};

/// One run. One thread; borrows its arguments.
class PathExecutor {
 public:
  PathExecutor(const EvalContext& context, const JsonPath& path, ByteSpan target, PathOptions options);

  /// Everything found; with `silent` what had been found before an error. 22…, 2203x, 42704.
  Status query(PathItems& found);
  /// nullopt: an error that `silent` hides.
  Result<std::optional<bool>> exists();

 private:
  enum class Outcome : uint8_t { kFound, kNothing, kFailed };
  enum class Truth : uint8_t { kFalse, kTrue, kUnknown };

  // A null `found` asks only whether there is anything.
  Outcome step(const PathNode& node, const PathItem& item, PathItems* found) { return step(node, item, found, path_.lax); }
  Outcome step(const PathNode& node, const PathItem& item, PathItems* found, bool unwrap);
  Outcome next(const PathNode& node, const PathItem& item, PathItems* found);
  /// One more of what is found. kFailed when it is too much.
  Outcome keep(const PathItem& item, PathItems& found);
  Outcome member(const PathNode& node, const PathItem& item, PathItems* found, bool unwrap);
  Outcome every_member(const PathNode& node, const PathItem& item, PathItems* found, bool unwrap);
  Outcome every_element(const PathNode& node, const PathItem& item, PathItems* found);
  Outcome subscripts(const PathNode& node, const PathItem& item, PathItems* found);
  Outcome any_level(const PathNode& node, const PathItem& item, PathItems* found);
  Outcome filter(const PathNode& node, const PathItem& item, PathItems* found, bool unwrap);
  Outcome walk(const PathNode* following, const PathItem& item, PathItems* found, uint32_t level, uint32_t first,
               uint32_t last, bool ignore_structure, bool unwrap_next);
  Outcome unwrap_and_step(const PathNode& node, const PathItem& item, PathItems* found) {
    return walk(&node, item, found, 1, 1, 1, false, false);
  }
  Outcome index(const PathNode& node, const PathItem& item, int64_t& out);
  Outcome arithmetic(const PathNode& node, const PathItem& item, PathItems* found);
  Outcome sign(const PathNode& node, const PathItem& item, PathItems* found);
  Outcome literal(const PathNode& node, PathItems* found);
  // jsonpath_methods.cpp
  Outcome method(const PathNode& node, const PathItem& item, PathItems* found, bool unwrap);
  Outcome numeric_method(const PathNode& node, const PathItem& item, PathItems* found);
  Outcome to_double(const PathNode& node, const PathItem& item, PathItems* found);
  Outcome to_datetime(const PathNode& node, const PathItem& item, PathItems* found);
  Outcome key_values(const PathNode& node, const PathItem& item, PathItems* found);

  // Values of an operand, arrays unwrapped in lax mode.
  Outcome operand(const PathNode& node, const PathItem& item, bool unwrap, PathItems* found);
  Outcome quiet_operand(const PathNode& node, const PathItem& item, bool unwrap, PathItems* found);
  // jsonpath_predicates.cpp
  Truth truth(const PathNode& node, const PathItem& item);
  template <class Test>
  Truth any_pair(const PathNode& node, const PathItem& item, bool unwrap_right, const Test& test);
  Truth compare(PathKind kind, const PathItem& a, const PathItem& b);
  Truth exists_truth(const PathNode& node, const PathItem& item);

  /// An error of the data: raised, or hidden where errors are no exceptions.
  Outcome fail(SqlState code, std::string message);
  Outcome fail(Status status);
  /// An error in any case.
  Outcome raise(Status status);
  bool ignores_structure() const { return ignore_structure_; }

  const EvalContext& context_;
  const JsonPath& path_;
  const PathOptions options_;
  const PathItem root_;
  PathItem current_;
  bool throws_;
  bool ignore_structure_;
  int64_t array_size_ = -1;  // of the innermost array, for `last`
  Status error_;
  uint32_t steps_ = 0;
  int depth_ = 0;
};

}  // namespace eventd::engine
