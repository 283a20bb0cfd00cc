// Types of $1, $2 … while a statement is bound.
#pragma once

#include <span>
#include <vector>

#include "engine/types/type.h"
#include "result.h"

namespace eventd::engine {

/// As PostgreSQL's variable parameters: a type that was not declared is set by the first place that
/// needs one. Used by one thread.
class ParameterTypes {
 public:
  explicit ParameterTypes(std::span<const Oid> declared);

  /// The type so far of parameter `number` (1-based), kUnknown if open. 42P02 beyond the limit.
  Result<Oid> use(int64_t number, int position);
  /// Parameter `index` (0-based) must be `type` here. 42P08 if it was deduced otherwise.
  Status deduce(int index, Oid type, int position);
  /// All types once the statement is bound; open ones are an error 42P18.
  Result<std::vector<Oid>> finish() const;

 private:
  struct Parameter {
    Oid type = 0;  // 0: never mentioned
    int position = 0;
  };
  std::vector<Parameter> parameters_;
};

}  // namespace eventd::engine
