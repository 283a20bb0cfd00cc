#include <cassert>

#include "engine/settings/settings.h"

namespace eventd::engine {
namespace {

std::string lower_name(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

Status unknown(std::string_view name) {
  return Status(sqlstate::kUndefinedObject,
                "unrecognized configuration parameter \"" + std::string(name) + "\"");
}

constexpr size_t kCustomSettingsMax = 1000;
// What a session may hold in savepoint levels; each keeps a copy of its overrides.
constexpr size_t kLevelsMax = 10'000;

}  // namespace

// Overrides are few, so a transaction level is simply a copy of them.
struct SessionSettings::Impl {
  using Overrides = std::map<std::string, SettingValue, std::less<>>;

  explicit Impl(const Settings& settings) : server(settings) {}

  const Settings& server;
  Overrides startup;   // what RESET goes back to
  Overrides current;   // SET
  Overrides local;     // SET LOCAL, until the transaction ends
  std::vector<std::pair<Overrides, Overrides>> levels;  // (current, local) at BEGIN and savepoints
  std::map<std::string, std::string, std::less<>> reported;
  uint64_t version = 1;

  // The session's own value; null = the server's.
  const SettingValue* own(std::string_view key) const {
    for (const Overrides* level : {&local, &current, &startup}) {
      if (level->empty()) continue;
      if (const auto at = level->find(key); at != level->end()) return &at->second;
    }
    return nullptr;
  }

  static std::string key_of(std::string_view name) {
    const SettingInfo* info = find_setting(name);
    return info != nullptr ? std::string(info->name) : lower_name(name);
  }

  std::optional<SettingValue> find(std::string_view name) const {
    const SettingInfo* info = find_setting(name);
    const SettingValue* value = info != nullptr ? own(info->name) : own(lower_name(name));
    if (value != nullptr) return *value;
    if (info == nullptr) return std::nullopt;
    return server.get(name);
  }
};

SessionSettings::SessionSettings(const Settings& server) : impl_(std::make_unique<Impl>(server)) {
  for (const SettingInfo& info : setting_table()) {
    if (info.report) impl_->reported[std::string(info.name)] = impl_->server.text(info.name);
  }
}
SessionSettings::~SessionSettings() = default;

namespace {

// Checks name, right and value. Custom dotted names take any text.
Result<SettingValue> checked(std::string_view name, std::string_view value, bool is_superuser,
                             bool startup) {
  const SettingInfo* info = find_setting(name);
  if (info == nullptr) {
    if (name.find('.') == std::string_view::npos) return unknown(name);
    if (name.size() > 128 || value.size() > 64 * 1024) {
      return Status(sqlstate::kInvalidParameterValue, "the custom setting is too long");
    }
    SettingValue custom;
    custom.text = value;
    custom.source = SettingSource::kSession;
    return custom;
  }
  const auto quoted = "parameter \"" + std::string(info->name) + "\"";
  switch (info->context) {
    case SettingContext::kInternal:
      return Status(sqlstate::kCantChangeRuntimeParam, quoted + " cannot be changed");
    case SettingContext::kPostmaster:
      return Status(sqlstate::kCantChangeRuntimeParam,
                    quoted + " cannot be changed without restarting the server");
    case SettingContext::kSighup:
      return Status(sqlstate::kCantChangeRuntimeParam, quoted + " cannot be changed now");
    case SettingContext::kSuperuser:
      if (!is_superuser) {
        return Status(sqlstate::kInsufficientPrivilege,
                      "permission denied to set " + quoted);
      }
      break;
    case SettingContext::kUser: break;
  }
  ASSIGN_OR_RETURN(SettingValue parsed, parse_setting(*info, value));
  parsed.source = startup ? SettingSource::kClient : SettingSource::kSession;
  return parsed;
}

}  // namespace

Status SessionSettings::set_startup(std::string_view name, std::string_view value) {
  ASSIGN_OR_RETURN(SettingValue parsed, checked(name, value, true, true));
  impl_->startup[Impl::key_of(name)] = std::move(parsed);
  ++impl_->version;
  return {};
}

void SessionSettings::set_internal(std::string_view name, std::string text) {
  SettingValue value;
  value.text = std::move(text);
  value.integer = value.text == "on" ? 1 : 0;
  value.source = SettingSource::kDefault;
  impl_->startup[Impl::key_of(name)] = std::move(value);
  ++impl_->version;
}

Status SessionSettings::set(std::string_view name, std::string_view value, bool local,
                            bool is_superuser) {
  ASSIGN_OR_RETURN(SettingValue parsed, checked(name, value, is_superuser, false));
  if (impl_->current.size() + impl_->local.size() >= kCustomSettingsMax) {
    return Status(sqlstate::kConfigurationLimitExceeded, "too many settings in this session");
  }
  const std::string key = Impl::key_of(name);
  if (local) {
    if (!impl_->levels.empty()) impl_->local[key] = std::move(parsed);
  } else {
    impl_->local.erase(key);
    impl_->current[key] = std::move(parsed);
  }
  ++impl_->version;
  return {};
}

Status SessionSettings::reset(std::string_view name, bool is_superuser) {
  const SettingInfo* info = find_setting(name);
  const std::string key = Impl::key_of(name);
  if (info == nullptr && impl_->current.count(key) == 0 && impl_->startup.count(key) == 0) {
    if (name.find('.') == std::string_view::npos) return unknown(name);
    return {};
  }
  if (info != nullptr) {
    Result<SettingValue> allowed = checked(name, info->default_value, is_superuser, false);
    if (!allowed.ok()) return std::move(allowed).take_status();
  }
  impl_->local.erase(key);
  ++impl_->version;
  if (info == nullptr && impl_->startup.count(key) == 0) {
    impl_->current[key].text.clear();  // a custom setting stays known, as in PostgreSQL
  } else {
    impl_->current.erase(key);
  }
  return {};
}

void SessionSettings::reset_all() {
  impl_->current.clear();
  impl_->local.clear();
  ++impl_->version;
}

std::optional<SettingValue> SessionSettings::get(std::string_view name) const {
  return impl_->find(name);
}

int64_t SessionSettings::integer(std::string_view name) const {
  const SettingInfo* info = find_setting(name);
  assert(info != nullptr);
  const SettingValue* value = impl_->own(info->name);
  return value != nullptr ? value->integer : impl_->server.integer(*info);
}

void SessionSettings::begin_transaction() {
  impl_->levels.clear();
  impl_->levels.emplace_back(impl_->current, impl_->local);
}

void SessionSettings::commit_transaction() {
  impl_->levels.clear();
  if (!impl_->local.empty()) ++impl_->version;
  impl_->local.clear();
}

void SessionSettings::rollback_transaction() {
  if (!impl_->levels.empty()) {
    impl_->current = std::move(impl_->levels.front().first);
    impl_->levels.clear();
    ++impl_->version;
  }
  impl_->local.clear();
}

void SessionSettings::savepoint() {
  // Beyond the bound a level repeats the last one: RELEASE and ROLLBACK TO still pair up.
  if (impl_->levels.size() < kLevelsMax) impl_->levels.emplace_back(impl_->current, impl_->local);
}

void SessionSettings::release_savepoint() {
  if (impl_->levels.size() > 1) impl_->levels.pop_back();
}

void SessionSettings::rollback_savepoint() {
  if (impl_->levels.size() <= 1) return;
  std::tie(impl_->current, impl_->local) = std::move(impl_->levels.back());
  impl_->levels.pop_back();
  ++impl_->version;
}

std::vector<std::pair<std::string, std::string>> SessionSettings::take_reports() {
  std::vector<std::pair<std::string, std::string>> changed;
  for (auto& [name, text] : impl_->reported) {
    const auto now = impl_->find(name);
    if (now && now->text != text) {
      text = now->text;
      changed.emplace_back(name, text);
    }
  }
  return changed;
}

uint64_t SessionSettings::version() const {
  return impl_->version + impl_->server.generation();
}

}  // namespace eventd::engine
