// eql_in(jsonb, jsonb): whether a field's value is among many literals, by a hash set.
#pragma once

#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "bytes.h"
#include "engine/functions/function_registry.h"
#include "engine/payload/msgpack_reader.h"
#include "engine/types/numeric.h"

namespace eventd::engine {

/// Literals, with the equality of eql_equal(). Immutable; any thread.
class EqlSet final : public CallState {
 public:
  /// The elements of a msgpack array of strings, numbers and booleans.
  explicit EqlSet(ByteSpan array);
  bool contains(const MsgpackToken& value) const;

 private:
  void add(const MsgpackToken& literal);

  std::unordered_set<std::string> texts_;        ///< in lower case
  std::unordered_set<long double> numbers_;      ///< those that are no decimals, exactly
  std::vector<Numeric> exact_;                   ///< all numbers, sorted: for decimals
  std::vector<Numeric> decimals_;                ///< the decimals, sorted
  bool has_true_ = false, has_false_ = false;
};

/// Adds eql_in. NULL and JSON null give NULL; the second argument must be constant.
void register_eql_in(FunctionCatalog::Builder& builder);

}  // namespace eventd::engine
