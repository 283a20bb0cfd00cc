#include "engine/settings/settings.h"

#include <sys/stat.h>

#include <atomic>
#include <cassert>
#include <cstdlib>
#include <mutex>

#include "engine/settings/config_file.h"
#include "log.h"

namespace eventd::engine {
namespace {

using Values = std::map<std::string_view, SettingValue>;  // keys point into the table

struct Origin {
  SettingSource source;
  std::string file;
  int line = 0;
};

// Where a value came from, for messages: `eventd.conf, line 3: `.
std::string prefix_of(const Origin& origin, std::string_view name) {
  switch (origin.source) {
    case SettingSource::kFile:
    case SettingSource::kAutoFile: return origin.file + ", line " + std::to_string(origin.line) + ": ";
    case SettingSource::kEnvironment: return "environment: ";
    case SettingSource::kCommandLine: return "-c " + std::string(name) + ": ";
    default: return "";
  }
}

Status apply(Values& values, std::string_view name, std::string_view text, const Origin& origin) {
  const SettingInfo* info = find_setting(name);
  if (info == nullptr) {
    return Status(sqlstate::kConfigFileError,
                  prefix_of(origin, name) + "unrecognized configuration parameter \"" +
                      std::string(name) + "\"");
  }
  if (info->context == SettingContext::kInternal) {
    return Status(sqlstate::kConfigFileError, prefix_of(origin, name) + "parameter \"" +
                                                  std::string(info->name) + "\" cannot be changed");
  }
  Result<SettingValue> value = parse_setting(*info, text);
  if (!value.ok()) {
    Error error = std::move(value.error());
    error.code = sqlstate::kConfigFileError;
    error.message = prefix_of(origin, name) + error.message;
    if (!error.hint.empty()) error.message += " (" + error.hint + ")";
    return error;
  }
  if (!info->effective) {
    log::warning(prefix_of(origin, name) + "\"" + std::string(info->name) +
                 "\" has no effect in this release");
  }
  value->source = origin.source;
  value->source_file = origin.file;
  value->source_line = origin.line;
  values[info->name] = std::move(*value);
  return {};
}

/// Puts values in place. While the server runs, one that is wrong keeps what was in force before.
class ValueTaker {
 public:
  ValueTaker(Values& values, const Values* in_force) : values_(values), in_force_(in_force) {}

  Status take(std::string_view name, std::string_view text, const Origin& origin) {
    Status status = apply(values_, name, text, origin);
    if (status.ok() || in_force_ == nullptr) return status;
    const SettingInfo* info = find_setting(name);
    log::warning(status.error().message + (info != nullptr ? "; the old value is kept" : "; ignored"));
    if (info != nullptr) values_[info->name] = in_force_->at(info->name);
    return {};
  }

 private:
  Values& values_;
  const Values* in_force_;  // null at start: then an error is final
};

Status apply_environment(ValueTaker& taker) {
  for (const SettingInfo& info : setting_table()) {
    std::string variable = "EVENTD_";
    for (const char c : info.name) variable += static_cast<char>(toupper(c));
    if (const char* text = std::getenv(variable.c_str())) {
      RETURN_IF_ERROR(taker.take(info.name, text, {SettingSource::kEnvironment, variable, 0}));
    }
  }
  return {};
}

Values defaults() {
  Values values;
  for (const SettingInfo& info : setting_table()) {
    auto value = parse_setting(info, info.default_value);
    assert(value.ok());
    values[info.name] = std::move(*value);
  }
  return values;
}

}  // namespace

struct Settings::Impl {
  Sources sources;
  mutable std::mutex mutex;
  Values values;                                          // guarded by mutex
  std::vector<std::atomic<int64_t>> integers =            // of `values`, by place in the table
      std::vector<std::atomic<int64_t>>(setting_table().size());
  std::atomic<uint64_t> generation{0};
  std::vector<std::pair<std::string, std::string>> automatic;  // guarded by mutex
  std::vector<std::function<void(std::string_view, const SettingValue&, const SettingValue&)>>
      listeners;  // guarded by mutex

  void publish(const SettingInfo& info, const SettingValue& value) {
    integers[setting_index(info)].store(value.integer, std::memory_order_relaxed);
  }

  std::string auto_file() const { return values.at("data_directory").text + "/eventd.auto.conf"; }

  // Everything from the sources, in their order.
  Result<Values> read(const Values* in_force) {
    Values fresh = defaults();
    ValueTaker taker(fresh, in_force);
    // The data directory decides where the files are, so it is needed first.
    std::string directory = sources.data_directory;
    if (directory.empty()) {
      if (const char* text = std::getenv("EVENTD_DATA_DIRECTORY")) directory = text;
      for (const auto& [name, value] : sources.overrides) {
        if (const SettingInfo* info = find_setting(name); info && info->name == "data_directory") {
          directory = value;
        }
      }
    }
    std::string file = sources.config_file;
    const bool given = !file.empty();
    const std::string base = directory.empty() ? fresh["data_directory"].text : directory;
    if (!given) file = base + "/eventd.conf";
    ASSIGN_OR_RETURN(auto entries, read_config_file(file, !given));
    for (const ConfigEntry& entry : entries) {
      RETURN_IF_ERROR(taker.take(entry.name, entry.value, {SettingSource::kFile, file, entry.line}));
    }
    if (!directory.empty()) {
      RETURN_IF_ERROR(apply(fresh, "data_directory", directory, {SettingSource::kCommandLine, "", 0}));
    }
    const std::string automatic_file = fresh["data_directory"].text + "/eventd.auto.conf";
    ASSIGN_OR_RETURN(auto written, read_config_file(automatic_file, true));
    automatic.clear();
    for (const ConfigEntry& entry : written) {
      RETURN_IF_ERROR(taker.take(entry.name, entry.value,
                                 {SettingSource::kAutoFile, automatic_file, entry.line}));
      automatic.emplace_back(entry.name, entry.value);
    }
    RETURN_IF_ERROR(apply_environment(taker));
    for (const auto& [name, value] : sources.overrides) {
      RETURN_IF_ERROR(taker.take(name, value, {SettingSource::kCommandLine, "", 0}));
    }
    if (!directory.empty()) {
      RETURN_IF_ERROR(apply(fresh, "data_directory", directory, {SettingSource::kCommandLine, "", 0}));
    }
    return fresh;
  }
};

Settings::Settings(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Settings::~Settings() = default;

Result<std::unique_ptr<Settings>> Settings::load(const Sources& sources) {
  auto impl = std::make_unique<Impl>();
  impl->sources = sources;
  ASSIGN_OR_RETURN(impl->values, impl->read(nullptr));
  for (const SettingInfo& info : setting_table()) impl->publish(info, impl->values.at(info.name));
  return std::unique_ptr<Settings>(new Settings(std::move(impl)));
}

SettingValue Settings::get(std::string_view name) const {
  const SettingInfo* info = find_setting(name);
  assert(info != nullptr);
  const std::lock_guard lock(impl_->mutex);
  return impl_->values.at(info->name);
}

int64_t Settings::integer(const SettingInfo& info) const {
  return impl_->integers[setting_index(info)].load(std::memory_order_relaxed);
}

uint64_t Settings::generation() const { return impl_->generation.load(std::memory_order_acquire); }

std::vector<std::string> Settings::reload() {
  struct Change {
    std::string_view name;
    SettingValue before, after;
  };
  std::vector<Change> changes;
  decltype(impl_->listeners) listeners;
  {
    const std::lock_guard lock(impl_->mutex);
    Result<Values> fresh = impl_->read(&impl_->values);
    if (!fresh.ok()) {
      log::warning("configuration not reloaded: " + fresh.error().message);
      return {};
    }
    for (const SettingInfo& info : setting_table()) {
      SettingValue& now = impl_->values.at(info.name);
      SettingValue& next = fresh->at(info.name);
      if (now.text == next.text) continue;
      if (info.context == SettingContext::kPostmaster) {
        log::warning("\"" + std::string(info.name) + "\" applies after a restart");
        continue;
      }
      changes.push_back({info.name, now, next});
      now = next;
      impl_->publish(info, now);
    }
    // release; pairs with the acquire in generation()
    if (!changes.empty()) impl_->generation.fetch_add(1, std::memory_order_release);
    listeners = impl_->listeners;
  }
  std::vector<std::string> names;
  for (const Change& change : changes) {
    names.emplace_back(change.name);
    for (const auto& listener : listeners) listener(change.name, change.before, change.after);
  }
  return names;
}

Status Settings::alter_system(std::string_view name, std::optional<std::string_view> value) {
  const std::lock_guard lock(impl_->mutex);
  std::vector<std::pair<std::string, std::string>> next;
  if (!name.empty()) {
    const SettingInfo* info = find_setting(name);
    if (info == nullptr) {
      return Status(sqlstate::kUndefinedObject, "unrecognized configuration parameter \"" +
                                                    std::string(name) + "\"");
    }
    if (info->context == SettingContext::kInternal || info->name == "data_directory") {
      return Status(sqlstate::kCantChangeRuntimeParam,
                    "parameter \"" + std::string(info->name) + "\" cannot be changed");
    }
    for (const auto& entry : impl_->automatic) {
      if (find_setting(entry.first) != info) next.push_back(entry);
    }
    if (value) {
      ASSIGN_OR_RETURN(const SettingValue parsed, parse_setting(*info, *value));
      next.emplace_back(info->name, parsed.text);
    }
  }
  RETURN_IF_ERROR(write_config_file(impl_->auto_file(), next));
  impl_->automatic = std::move(next);
  return {};
}

void Settings::on_change(
    std::function<void(std::string_view, const SettingValue&, const SettingValue&)> listener) {
  const std::lock_guard lock(impl_->mutex);
  impl_->listeners.push_back(std::move(listener));
}

}  // namespace eventd::engine
