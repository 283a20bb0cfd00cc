#include "engine/catalog/field_catalog.h"

#include <algorithm>
#include <set>

#include "engine/limits.h"
#include "engine/stats/registry.h"

namespace eventd::engine {
namespace {

// The columns by_type relations begin with: a field of such a name gets the prefix.
constexpr std::string_view kHeaderColumns[] = {
    "timestamp",    "event_type",           "origin_class",    "cpu_id",  "sequence",
    "process_guid", "effective_token_guid", "true_token_guid", "boot_id", "timestamp_ns"};
constexpr std::string_view kClashPrefix = "payload_";

bool is_header_column(std::string_view name) {
  return std::find(std::begin(kHeaderColumns), std::end(kHeaderColumns), name) != std::end(kHeaderColumns);
}

// At most `bytes`, whole characters.
std::string shortened(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  return std::string(text.substr(0, bytes));
}

// A name of at most 63 bytes that `used` does not have yet; later ones give way.
std::string unique_name(std::string_view wanted, std::set<std::string, std::less<>>& used) {
  std::string name = shortened(wanted, kIdentifierBytesMax);
  for (size_t number = 2; !used.insert(name).second; ++number) {
    const std::string suffix = "_" + std::to_string(number);
    name = shortened(wanted, kIdentifierBytesMax - suffix.size()) + suffix;
  }
  return name;
}

std::string joined(std::span<const std::string> path) {
  std::string text;
  for (const std::string& piece : path) text += (text.empty() ? "" : ".") + piece;
  return text.empty() ? "_" : text;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// `*` is any run of characters; ASCII case is ignored.
bool matches_pattern(std::string_view text, std::string_view pattern) {
  size_t t = 0, p = 0, star = std::string_view::npos, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && lower(pattern[p]) == lower(text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

const EventTypeFields* FieldSnapshot::find(std::string_view relation_name) const {
  const auto at = types_.find(relation_name);
  return at == types_.end() ? nullptr : at->second.get();
}

std::optional<Oid> FieldSnapshot::type_of(const std::optional<std::string>& pattern,
                                          std::span<const std::string> path) const {
  std::optional<FieldType> type;
  for (const auto& [name, event_type] : types_) {
    if (pattern && !matches_pattern(event_type->event_type, *pattern)) continue;
    for (const PayloadField& field : event_type->fields) {
      if (!std::equal(field.path.begin(), field.path.end(), path.begin(), path.end())) continue;
      type = type ? widen(*type, field.type) : field.type;
    }
  }
  if (!type) return std::nullopt;
  return field_type_oid(*type);
}

Result<std::unique_ptr<FieldCatalog>> FieldCatalog::open(const std::string& path) {
  ASSIGN_OR_RETURN(FieldStore store, FieldStore::open(path));
  ASSIGN_OR_RETURN(std::vector<StoredField> fields, store.load());
  ASSIGN_OR_RETURN(SampleProgress progress, store.load_progress());
  auto catalog = std::unique_ptr<FieldCatalog>(new FieldCatalog(std::move(store)));
  catalog->progress_ = std::move(progress);
  // Types first: their own rows have an empty path.
  for (const bool types : {true, false}) {
    for (StoredField& field : fields) {
      catalog->next_id_ = std::max(catalog->next_id_, field.id + 1);
      if (field.path.empty() != types) continue;
      const auto at = catalog->types_.find(field.event_type);
      if (types && at == catalog->types_.end()) {
        auto type = std::make_unique<Type>(*catalog);
        type->name = field.event_type;
        catalog->add(*type, std::move(field), false);
        catalog->types_.emplace(type->name, std::move(type));
      } else if (!types && at != catalog->types_.end() && at->second->by_path.count(field.path) == 0) {
        catalog->add(*at->second, std::move(field), false);
      }
    }
  }
  (void)catalog->publish();
  return catalog;
}

// REQUIRES: mutex_ held, or nobody else knows the catalog.
void FieldCatalog::add(Type& type, StoredField field, bool is_new) {
  type.by_path.emplace(field.path, type.fields.size());
  type.fields.push_back(std::move(field));
  type.dirty.push_back(is_new);
  type.changed = true;
  ++field_count_;
}

FieldCatalog::Type* FieldCatalog::type_named(std::string_view name) {
  const auto at = types_.find(name);
  if (at != types_.end()) return at->second.get();
  if (types_.size() >= kCatalogTypesMax || field_count_ >= kFieldsMax) return nullptr;
  auto type = std::make_unique<Type>(*this);
  type->name = name;
  add(*type, {next_id_++, std::string(name), "", FieldType::kMap, 0, 0}, true);
  return types_.emplace(std::string(name), std::move(type)).first->second.get();
}

void FieldCatalog::Type::visit(std::string_view path, FieldType type) {
  size_t index = 0;
  if (const auto at = by_path.find(path); at != by_path.end()) {
    index = at->second;
  } else {
    if (path.empty() || fields.size() > kFieldsPerTypeMax || catalog.field_count_ >= kFieldsMax) return;
    index = fields.size();
    catalog.add(*this, {catalog.next_id_++, name, std::string(path), type, 0, 0}, true);
  }
  StoredField& field = fields[index];
  ++field.seen;
  field.last_seen_ns = std::max(field.last_seen_ns, timestamp_ns);
  dirty[index] = true;
  const FieldType wider = widen(field.type, type);
  if (wider == field.type) return;
  field.type = wider;
  changed = true;
}

void FieldCatalog::learn(std::string_view event_type, int64_t timestamp_ns, ByteSpan payload) {
  const std::lock_guard lock(mutex_);
  Type* type = type_named(event_type);
  if (type == nullptr) {
    static Counter& left_out = stats().counter("catalog.events_of_types_left_out");
    left_out.add();
    return;
  }
  type->timestamp_ns = timestamp_ns;
  ++type->fields[0].seen;
  type->fields[0].last_seen_ns = std::max(type->fields[0].last_seen_ns, timestamp_ns);
  type->dirty[0] = true;
  for_each_payload_field(payload, path_buffer_, *type);
}

// REQUIRES: mutex_ held, or nobody else knows the catalog.
std::shared_ptr<const EventTypeFields> FieldCatalog::describe(const Type& type) const {
  auto described = std::make_shared<EventTypeFields>();
  described->event_type = type.name;
  described->id = type.fields[0].id;
  std::set<std::string, std::less<>> used;
  for (size_t i = 1; i < type.fields.size(); ++i) {
    PayloadField field;
    field.text = type.fields[i].path;
    field.path = field_path_pieces(field.text);
    field.type = type.fields[i].type;
    std::string name = joined(field.path);
    if (is_header_column(name)) name = std::string(kClashPrefix) + name;
    field.column_name = unique_name(name, used);
    described->fields.push_back(std::move(field));
  }
  return described;
}

bool FieldCatalog::publish() {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<FieldSnapshot> next;
  for (auto& [name, type] : types_) {
    if (!std::exchange(type->changed, false)) continue;
    if (next == nullptr) next = std::make_shared<FieldSnapshot>(*snapshot_);
    auto described = std::const_pointer_cast<EventTypeFields>(describe(*type));
    // The relation keeps its name: found by the type it is of.
    std::string relation = shortened(name, kIdentifierBytesMax);
    for (size_t number = 2;; ++number) {
      const auto at = next->types_.find(relation);
      if (at == next->types_.end() || at->second->event_type == name) break;
      const std::string suffix = "_" + std::to_string(number);
      relation = shortened(name, kIdentifierBytesMax - suffix.size()) + suffix;
    }
    described->relation_name = relation;
    next->types_[relation] = std::move(described);
  }
  if (next == nullptr) return false;
  ++next->generation_;
  generation_.store(next->generation_, std::memory_order_release);
  snapshot_ = std::move(next);
  return true;
}

Status FieldCatalog::save(const SampleProgress& progress) {
  const std::lock_guard lock(mutex_);
  std::vector<StoredField> rows;
  for (const auto& [name, type] : types_) {
    for (size_t i = 0; i < type->fields.size(); ++i) {
      if (type->dirty[i]) rows.push_back(type->fields[i]);
    }
  }
  RETURN_IF_ERROR(store_.save(rows, progress));
  progress_ = progress;
  for (auto& [name, type] : types_) type->dirty.assign(type->dirty.size(), false);
  return {};
}

SampleProgress FieldCatalog::progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

std::shared_ptr<const FieldSnapshot> FieldCatalog::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

std::vector<FieldCounts> FieldCatalog::counts() const {
  const std::lock_guard lock(mutex_);
  std::vector<FieldCounts> rows;
  for (const auto& [relation, event_type] : snapshot_->types()) {
    const Type& type = *types_.find(event_type->event_type)->second;
    // The snapshot may be behind: it has the first of the fields there are.
    for (size_t i = 0; i < event_type->fields.size(); ++i) {
      const PayloadField& field = event_type->fields[i];
      rows.push_back({event_type->event_type, field.text, field.column_name, field.type,
                      type.fields[i + 1].seen, type.fields[i + 1].last_seen_ns});
    }
  }
  return rows;
}

}  // namespace eventd::engine
