// The one settings table: spec config.md. File, environment, command line, SET/SHOW, ALTER SYSTEM.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "result.h"

namespace eventd::engine {

enum class SettingType : uint8_t { kBool, kInteger, kReal, kString, kEnum };
/// What an integer counts in its stored form.
enum class SettingUnit : uint8_t { kNone, kBytes, kMilliseconds, kMicroseconds };
/// When a change takes effect, in pg_settings' words: internal (never), postmaster (restart),
/// sighup (reload), superuser / user (SET in a session).
enum class SettingContext : uint8_t { kInternal, kPostmaster, kSighup, kSuperuser, kUser };
enum class SettingSource : uint8_t {
  kDefault, kEnvironment, kFile, kAutoFile, kCommandLine, kClient, kSession
};

/// One row of the table. Static data.
struct SettingInfo {
  std::string_view name;
  SettingType type;
  SettingUnit unit;
  SettingContext context;
  std::string_view default_value;           ///< as written in the file
  double minimum = 0, maximum = 0;          ///< in the stored unit
  std::span<const std::string_view> values; ///< enum values
  std::string_view category;
  std::string_view description;
  bool report = false;                      ///< GUC_REPORT: sent as ParameterStatus
  /// False: read and checked, but nothing uses it in this release; setting it warns.
  bool effective = true;
};

/// A further check beyond type and range, for values only upper layers understand (TimeZone).
/// Returns the canonical text, or 22023. Registered before the first Settings is made.
using SettingCheck = Result<std::string> (*)(std::string_view text);
void register_setting_check(std::string_view name, SettingCheck check);

std::span<const SettingInfo> setting_table();
/// Case-insensitive as in PostgreSQL; null if there is none.
const SettingInfo* find_setting(std::string_view name);

/// Its place in setting_table().
size_t setting_index(const SettingInfo& info);

/// A value parsed and checked: `text` as SHOW prints it ("100ms"), and its number.
struct SettingValue {
  std::string text;
  int64_t integer = 0;  ///< bool: 0/1, enum: index, integer: in the stored unit
  double real = 0;
  SettingSource source = SettingSource::kDefault;
  std::string source_file;
  int source_line = 0;
};

/// Parses `text` for `info`: 22023 naming value and valid range.
Result<SettingValue> parse_setting(const SettingInfo& info, std::string_view text);

/// The server's values. Thread-safe; readers get copies.
class Settings {
 public:
  struct Sources {
    std::string config_file;                                     ///< empty = <data>/eventd.conf if there
    std::vector<std::pair<std::string, std::string>> overrides;  ///< -c name=value
    std::string data_directory;                                  ///< -D, else the setting
  };
  /// Reads file, eventd.auto.conf, EVENTD_<NAME>, -c in that order. F0000 naming file, line, value
  /// and range.
  static Result<std::unique_ptr<Settings>> load(const Sources& sources);
  ~Settings();

  SettingValue get(std::string_view name) const;  ///< REQUIRES: a known name
  std::string text(std::string_view name) const { return get(name).text; }
  /// REQUIRES: a known name. No lock, no copy.
  int64_t integer(std::string_view name) const { return integer(*find_setting(name)); }
  int64_t integer(const SettingInfo& info) const;
  bool boolean(std::string_view name) const { return integer(name) != 0; }
  /// Grows when a live change has been applied: cached derived values check it.
  uint64_t generation() const;

  /// Reads the files again. A bad value keeps the old one and warns, the others apply; a file that is
  /// no configuration changes nothing. Names that changed and apply live are returned (listeners have
  /// been called).
  std::vector<std::string> reload();
  /// ALTER SYSTEM SET / RESET (value absent) / RESET ALL (name empty): writes eventd.auto.conf.
  Status alter_system(std::string_view name, std::optional<std::string_view> value);
  /// Called after a live change, on the changing thread. For the life of the Settings.
  void on_change(std::function<void(std::string_view name, const SettingValue& old_value,
                                    const SettingValue& new_value)> listener);

 private:
  struct Impl;
  explicit Settings(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// A session's view: the server's values plus its own SETs, with transaction scope (SET is undone
/// by ROLLBACK, SET LOCAL by any end). Owned by the session's thread.
class SessionSettings {
 public:
  explicit SessionSettings(const Settings& server);
  ~SessionSettings();

  /// From the startup packet: becomes the value RESET goes back to. 42704, 22023, 55P02.
  Status set_startup(std::string_view name, std::string_view value);
  Status set(std::string_view name, std::string_view value, bool local, bool is_superuser);
  Status reset(std::string_view name, bool is_superuser);
  void reset_all();
  /// For internal settings that are facts of the session (is_superuser, session_authorization).
  void set_internal(std::string_view name, std::string text);
  /// Known, or custom dotted names that were set. nullopt = 42704 for the caller.
  std::optional<SettingValue> get(std::string_view name) const;
  /// REQUIRES: a known name.
  int64_t integer(std::string_view name) const;

  void begin_transaction();
  void commit_transaction();
  void rollback_transaction();
  void savepoint();                      ///< pushes a level
  void release_savepoint();              ///< merges the top level down
  void rollback_savepoint();             ///< undoes and pops the top level
  /// Names of report settings whose value changed since the last call, with the new text.
  std::vector<std::pair<std::string, std::string>> take_reports();
  /// Grows with every change here or in the server's values: cached derived values check it.
  uint64_t version() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace eventd::engine
