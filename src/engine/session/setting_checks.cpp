#include "engine/session/setting_checks.h"

#include <string>
#include <string_view>

#include "engine/settings/settings.h"
#include "engine/types/time_zone.h"

namespace eventd::engine {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

Status invalid(std::string_view name, std::string_view text) {
  return Status(sqlstate::kInvalidParameterValue, "invalid value for parameter \"" +
                                                      std::string(name) + "\": \"" +
                                                      std::string(text) + "\"");
}

Result<std::string> check_time_zone(std::string_view text) {
  const TimeZone* zone = TimeZone::find_for_setting(text);
  if (zone == nullptr) return invalid("TimeZone", text);
  return zone->name();
}

struct DateStyleParts {
  DateStyle style = DateStyle::kIso;
  DateOrder order = DateOrder::kMdy;
};

constexpr std::pair<std::string_view, DateStyle> kStyles[] = {{"iso", DateStyle::kIso},
                                                              {"postgres", DateStyle::kPostgres},
                                                              {"sql", DateStyle::kSql},
                                                              {"german", DateStyle::kGerman}};
constexpr std::pair<std::string_view, DateOrder> kOrders[] = {
    {"mdy", DateOrder::kMdy},    {"us", DateOrder::kMdy},  {"noneuro", DateOrder::kMdy},
    {"dmy", DateOrder::kDmy},    {"euro", DateOrder::kDmy}, {"european", DateOrder::kDmy},
    {"noneuropean", DateOrder::kMdy}, {"ymd", DateOrder::kYmd}};
constexpr std::string_view kStyleNames[] = {"ISO", "Postgres", "SQL", "German"};
constexpr std::string_view kOrderNames[] = {"MDY", "DMY", "YMD"};

// "ISO, DMY", in any order, either part alone; German alone means DMY.
Result<DateStyleParts> parse_date_style(std::string_view text) {
  DateStyleParts parts;
  const std::string words = lower(text);
  bool order_given = false;
  size_t at = 0;
  while (at < words.size()) {
    const size_t start = words.find_first_not_of(", \t", at);
    if (start == std::string::npos) break;
    at = std::min(words.find_first_of(", \t", start), words.size());
    const std::string_view word = std::string_view(words).substr(start, at - start);
    bool known = word == "default";
    for (const auto& [name, style] : kStyles) {
      if (word != name) continue;
      parts.style = style;
      known = true;
    }
    for (const auto& [name, order] : kOrders) {
      if (word != name) continue;
      parts.order = order;
      known = order_given = true;
    }
    if (!known) return invalid("DateStyle", text);
  }
  if (parts.style == DateStyle::kGerman && !order_given) parts.order = DateOrder::kDmy;
  return parts;
}

Result<std::string> check_date_style(std::string_view text) {
  ASSIGN_OR_RETURN(const DateStyleParts parts, parse_date_style(text));
  return std::string(kStyleNames[static_cast<size_t>(parts.style)]) + ", " +
         std::string(kOrderNames[static_cast<size_t>(parts.order)]);
}

// Bytes go through as they are, so only UTF-8 (and names that mean "no conversion") are right.
Result<std::string> check_client_encoding(std::string_view text) {
  const std::string name = lower(text);
  if (name == "utf8" || name == "utf-8" || name == "unicode") return std::string("UTF8");
  if (name == "sql_ascii") return std::string("SQL_ASCII");
  return Status(sqlstate::kFeatureNotSupported,
                "client_encoding \"" + std::string(text) + "\" is not supported, only UTF8");
}

}  // namespace

void register_setting_checks() {
  register_setting_check("TimeZone", check_time_zone);
  register_setting_check("DateStyle", check_date_style);
  register_setting_check("client_encoding", check_client_encoding);
}

FormatOptions format_options_of(const SessionSettings& settings) {
  FormatOptions format;
  format.time_zone = TimeZone::find_for_setting(settings.get("TimeZone")->text);
  if (format.time_zone == nullptr) format.time_zone = &TimeZone::utc();
  if (const auto parts = parse_date_style(settings.get("DateStyle")->text); parts.ok()) {
    format.date_style = parts->style;
    format.date_order = parts->order;
  }
  format.interval_style = static_cast<IntervalStyle>(settings.integer("IntervalStyle"));
  format.bytea_output = static_cast<ByteaOutput>(settings.integer("bytea_output"));
  format.extra_float_digits = static_cast<int>(settings.integer("extra_float_digits"));
  return format;
}

}  // namespace eventd::engine
