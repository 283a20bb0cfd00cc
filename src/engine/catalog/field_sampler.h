// Keeps the field catalog up with what is stored. Spec: storage.md "Field catalog".
#pragma once

#include <memory>

#include "engine/catalog/field_catalog.h"
#include "engine/storage/shard_set.h"
#include "result.h"

namespace eventd::engine {

/// A thread of its own that every second reads the rows committed since, from files like any query,
/// and tells the catalog. Of many rows at once it reads some, spread evenly. The writers know nothing
/// of it.
///
/// Statistics: catalog.rows_sampled, catalog.rows_behind, catalog.generation.
class FieldSampler {
 public:
  /// Both outlive it.
  static Result<std::unique_ptr<FieldSampler>> start(const ShardSet& shards, FieldCatalog& catalog);
  /// stop() if not stopped.
  ~FieldSampler();
  /// Saves and joins. Idempotent.
  void stop();

 private:
  struct Impl;
  explicit FieldSampler(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace eventd::engine
