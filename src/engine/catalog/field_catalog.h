// What fields the payloads of each event type have. Spec: storage.md "Field catalog".
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/catalog/field_store.h"
#include "engine/catalog/field_type.h"
#include "engine/catalog/payload_fields.h"
#include "result.h"

namespace eventd::engine {

inline constexpr size_t kFieldsPerTypeMax = 1000;
inline constexpr size_t kFieldsMax = 100'000;
inline constexpr size_t kCatalogTypesMax = 10'000;

/// A field of an event type.
struct PayloadField {
  std::vector<std::string> path;
  std::string text;         ///< `path` as EQL writes it
  std::string column_name;  ///< in by_type: unique, 63 bytes at most
  FieldType type = FieldType::kMixed;
};

/// An event type and its fields, in the order they were first seen. Immutable.
struct EventTypeFields {
  std::string event_type;
  std::string relation_name;  ///< in by_type: the type's name, 63 bytes at most
  int64_t id = 0;             ///< of its own, for ever
  std::vector<PayloadField> fields;
};

/// All of them under one generation. Immutable, shared.
class FieldSnapshot {
 public:
  uint64_t generation() const { return generation_; }
  /// By the name of its relation; null if there is none.
  const EventTypeFields* find(std::string_view relation_name) const;
  /// What covers the field in all types that match `pattern` (of EQL; nullopt = all): its SQL type;
  /// nullopt when none of them has it.
  std::optional<Oid> type_of(const std::optional<std::string>& pattern,
                             std::span<const std::string> path) const;
  const auto& types() const { return types_; }

 private:
  friend class FieldCatalog;
  uint64_t generation_ = 1;
  std::map<std::string, std::shared_ptr<const EventTypeFields>, std::less<>> types_;  // by relation
};

/// A row of event_fields.
struct FieldCounts {
  std::string event_type, path, column_name;
  FieldType type;
  int64_t seen = 0, last_seen_ns = 0;
};

/// Kept in memory, written through to eventd-meta.db by save(). Thread-safe.
class FieldCatalog {
 public:
  /// `path` is eventd-meta.db: made when missing, made anew when it cannot be used.
  static Result<std::unique_ptr<FieldCatalog>> open(const std::string& path);

  /// Tells of one event.
  void learn(std::string_view event_type, int64_t timestamp_ns, ByteSpan payload);
  /// Makes what was learned visible. True when the generation grew.
  bool publish();
  /// Writes what has changed, and `progress` with it.
  Status save(const SampleProgress& progress);
  /// What save() was last told, by this process or the one before.
  SampleProgress progress() const;

  std::shared_ptr<const FieldSnapshot> snapshot() const;
  /// The snapshot's.
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  std::vector<FieldCounts> counts() const;

 private:
  struct Type final : FieldVisitor {
    explicit Type(FieldCatalog& its_catalog) : catalog(its_catalog) {}
    void visit(std::string_view path, FieldType type) override;
    struct Hash : std::hash<std::string_view> {
      using is_transparent = void;
    };
    FieldCatalog& catalog;
    std::string name;
    std::vector<StoredField> fields;  // [0]: the type itself
    std::unordered_map<std::string, size_t, Hash, std::equal_to<>> by_path;
    std::vector<bool> dirty;
    int64_t timestamp_ns = 0;  // of the event being learned
    bool changed = false;      // since the last publish()
  };
  explicit FieldCatalog(FieldStore store) : store_(std::move(store)) {}
  Type* type_named(std::string_view name);
  void add(Type& type, StoredField field, bool is_new);
  std::shared_ptr<const EventTypeFields> describe(const Type& type) const;

  std::atomic<uint64_t> generation_{1};
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  FieldStore store_;
  SampleProgress progress_;
  std::map<std::string, std::unique_ptr<Type>, std::less<>> types_;
  size_t field_count_ = 0;
  int64_t next_id_ = 1;
  std::string path_buffer_;
  std::shared_ptr<const FieldSnapshot> snapshot_ = std::make_shared<const FieldSnapshot>();
};

}  // namespace eventd::engine
