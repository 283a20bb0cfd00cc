// Text ↔ value of one setting: units as PostgreSQL writes them.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>

#include "engine/settings/settings.h"

namespace eventd::engine {
namespace {

struct UnitName {
  std::string_view name;
  double factor;
};

// Largest first: printing takes the first that divides.
constexpr std::array<UnitName, 5> kTimeUnits = {
    {{"d", 86'400'000.0}, {"h", 3'600'000.0}, {"min", 60'000.0}, {"s", 1000.0}, {"ms", 1.0}}};
constexpr std::array<UnitName, 5> kByteUnits = {
    {{"TB", 1099511627776.0}, {"GB", 1073741824.0}, {"MB", 1048576.0}, {"kB", 1024.0}, {"B", 1.0}}};

std::span<const UnitName> units_of(SettingUnit unit) {
  switch (unit) {
    case SettingUnit::kBytes: return kByteUnits;
    case SettingUnit::kMilliseconds: return kTimeUnits;
    default: return {};
  }
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

// PostgreSQL's spellings, any unambiguous prefix.
std::optional<bool> parse_bool(std::string_view text) {
  const std::string word = lower(text);
  if (word.empty()) return std::nullopt;
  const auto is_prefix_of = [&](std::string_view full, size_t least) {
    return word.size() >= least && full.starts_with(word);
  };
  if (word == "1" || is_prefix_of("true", 1) || is_prefix_of("yes", 1) || word == "on") return true;
  if (word == "0" || is_prefix_of("false", 1) || is_prefix_of("no", 1) || is_prefix_of("off", 2)) {
    return false;
  }
  return std::nullopt;
}

std::string print_integer(const SettingInfo& info, int64_t value) {
  if (value != 0 && value != -1) {
    for (const UnitName& unit : units_of(info.unit)) {
      const auto factor = static_cast<int64_t>(unit.factor);
      if (value % factor == 0) return std::to_string(value / factor) + std::string(unit.name);
    }
  }
  return std::to_string(value);
}

std::string bound(const SettingInfo& info, double value) {
  return print_integer(info, static_cast<int64_t>(value));
}

Error bad_value(const SettingInfo& info, std::string_view text, std::string hint) {
  Error error;
  error.code = sqlstate::kInvalidParameterValue;
  error.message = "invalid value for parameter \"" + std::string(info.name) + "\": \"" +
                  std::string(text) + "\"";
  error.hint = std::move(hint);
  return error;
}

// What "auto" stands for: query_memory = min(25 % of RAM, 4 GB), query_buffer a quarter of it.
int64_t automatic_value(const SettingInfo& info) {
  const int64_t ram = int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE);
  const int64_t mb = 1 << 20;
  int64_t pool = std::min<int64_t>(ram / 4, int64_t{4} << 30) / mb * mb;
  pool = std::max(pool, 64 * mb);
  return info.name == "query_buffer" ? std::max(pool / 4, mb) : pool;
}

Result<SettingValue> parse_integer(const SettingInfo& info, std::string_view text) {
  const auto units = units_of(info.unit);
  SettingValue value;
  if (info.default_value == "auto" && text == "auto") {
    value.integer = automatic_value(info);
    value.text = print_integer(info, value.integer);
    return value;
  }
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || !std::isfinite(number)) return bad_value(info, text, "");
  std::string_view unit = trimmed({stop, static_cast<size_t>(end - stop)});
  if (info.name == "max_emit_rate_per_process" && unit == "/s") unit = {};
  if (!unit.empty()) {
    const auto at = std::find_if(units.begin(), units.end(),
                                 [&](const UnitName& u) { return u.name == unit; });
    if (at == units.end()) {
      std::string known;
      for (const UnitName& u : units) {
        known.insert(0, std::string("\"") + std::string(u.name) + (known.empty() ? "\"" : "\", "));
      }
      return bad_value(info, text,
                       known.empty() ? std::string("This parameter has no unit.")
                                     : "Valid units for this parameter are " + known + ".");
    }
    number *= at->factor;
  }
  if (number < info.minimum || number > info.maximum) {
    return Status(sqlstate::kInvalidParameterValue,
                  std::string(text) + " is outside the valid range for parameter \"" +
                      std::string(info.name) + "\" (" + bound(info, info.minimum) + " .. " +
                      bound(info, info.maximum) + ")");
  }
  value.integer = static_cast<int64_t>(std::llround(number));
  const bool power_of_two = (value.integer & (value.integer - 1)) == 0;
  if ((info.name == "ring_capacity" || info.name == "page_size") && !power_of_two) {
    return bad_value(info, text, "It must be a power of two.");
  }
  value.text = print_integer(info, value.integer);
  return value;
}

std::map<std::string, SettingCheck, std::less<>>& checks() {
  static std::map<std::string, SettingCheck, std::less<>> registered;
  return registered;
}

}  // namespace

void register_setting_check(std::string_view name, SettingCheck check) {
  checks()[std::string(name)] = check;
}

Result<SettingValue> parse_setting(const SettingInfo& info, std::string_view text) {
  SettingValue value;
  switch (info.type) {
    case SettingType::kBool: {
      const auto parsed = parse_bool(trimmed(text));
      if (!parsed) {
        return Status(sqlstate::kInvalidParameterValue, "parameter \"" + std::string(info.name) +
                                                            "\" requires a Boolean value");
      }
      if (info.name == "standard_conforming_strings" && !*parsed) {
        return Status(sqlstate::kFeatureNotSupported,
                      "standard_conforming_strings = off is not supported");
      }
      value.integer = *parsed ? 1 : 0;
      value.text = *parsed ? "on" : "off";
      return value;
    }
    case SettingType::kInteger: return parse_integer(info, trimmed(text));
    case SettingType::kEnum: {
      const std::string word = lower(trimmed(text));
      std::string known;
      for (size_t i = 0; i < info.values.size(); ++i) {
        if (lower(info.values[i]) == word) {
          value.integer = static_cast<int64_t>(i);
          value.text = info.values[i];
          return value;
        }
        known += (i ? ", " : "") + std::string(info.values[i]);
      }
      return bad_value(info, text, "Available values: " + known + ".");
    }
    case SettingType::kReal:
    case SettingType::kString: break;
  }
  if (text.size() > 64 * 1024) return bad_value(info, text.substr(0, 32), "The value is too long.");
  value.text = text;
  if (const auto check = checks().find(info.name); check != checks().end()) {
    ASSIGN_OR_RETURN(value.text, check->second(text));
  }
  return value;
}

}  // namespace eventd::engine
