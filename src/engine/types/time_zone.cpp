#include "engine/types/time_zone.h"

#include <cctz/civil_time.h>
#include <cctz/time_zone.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <optional>
#include <unordered_map>

namespace eventd::engine {
namespace {

struct Abbreviation {
  std::string_view name;
  int32_t seconds_east;
  bool is_dst;
};
constexpr Abbreviation kAbbreviations[] = {
#include "engine/types/time_zone_abbreviations.inc"
};

constexpr int32_t kOffsetMax = 15 * 3600 + 59 * 60 + 59;
constexpr size_t kNameBytesMax = 255;
// Distinct names cached; names come from clients. IANA has about 600, offsets fewer than this.
constexpr size_t kCachedMax = 65'536;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

using Seconds = cctz::time_point<cctz::seconds>;
Seconds at(int64_t unix_seconds) { return Seconds(cctz::seconds(unix_seconds)); }

// Years far outside any rule: cctz's civil arithmetic stays exact within them.
constexpr int64_t kSecondsLimit = int64_t{400'000} * 366 * 86'400;
int64_t clamp_seconds(int64_t s) { return std::clamp(s, -kSecondsLimit, kSecondsLimit); }

// lower-case IANA name → its proper spelling, from the zone directory.
const std::unordered_map<std::string, std::string>& zone_names() {
  static const auto* names = [] {
    auto* map = new std::unordered_map<std::string, std::string>;
    namespace fs = std::filesystem;
    const char* dir = std::getenv("TZDIR");
    const fs::path root = dir != nullptr ? dir : "/usr/share/zoneinfo";
    std::error_code error;
    for (fs::recursive_directory_iterator it(root, fs::directory_options::skip_permission_denied, error), end;
         !error && it != end; it.increment(error)) {
      const std::string name = it->path().lexically_relative(root).generic_string();
      if (name == "posix" || name == "right") {
        it.disable_recursion_pending();
        continue;
      }
      std::error_code ignored;
      if (!it->is_regular_file(ignored) || name.find('.') != std::string::npos) continue;
      map->emplace(lower(name), name);
    }
    return map;
  }();
  return *names;
}

// h[h][:mm[:ss]] at the front of `text`; consumed bytes in `used`.
std::optional<int32_t> parse_hms(std::string_view text, size_t& used) {
  int32_t parts[3] = {0, 0, 0};
  size_t at = 0;
  for (int i = 0; i < 3; ++i) {
    const char* begin = text.data() + at;
    const char* end = text.data() + std::min(text.size(), at + 3);
    const auto [p, error] = std::from_chars(begin, end, parts[i]);
    if (error != std::errc() || parts[i] < 0) return std::nullopt;
    at = static_cast<size_t>(p - text.data());
    if (i > 0 && parts[i] > 59) return std::nullopt;
    if (i == 2 || at + 1 >= text.size() || text[at] != ':') break;
    ++at;
  }
  used = at;
  const int32_t total = parts[0] * 3600 + parts[1] * 60 + parts[2];
  if (parts[0] > 167) return std::nullopt;
  return total;
}

std::string offset_name(int32_t seconds_east) {
  const char sign = seconds_east < 0 ? '-' : '+';
  const int32_t s = std::abs(seconds_east);
  char buffer[16];
  if (s % 3600 == 0) snprintf(buffer, sizeof buffer, "%c%02d", sign, s / 3600);
  else if (s % 60 == 0) snprintf(buffer, sizeof buffer, "%c%02d:%02d", sign, s / 3600, s / 60 % 60);
  else snprintf(buffer, sizeof buffer, "%c%02d:%02d:%02d", sign, s / 3600, s / 60 % 60, s % 60);
  return buffer;
}

// POSIX "[name]offset" without DST rules ("UTC+3", "<+02>-02", "+02"): seconds EAST and abbreviation.
std::optional<std::pair<int32_t, std::string>> parse_posix(std::string_view text) {
  std::string abbreviation;
  size_t at = 0;
  if (text.starts_with('<')) {
    const size_t close = text.find('>');
    if (close == std::string_view::npos) return std::nullopt;
    abbreviation = text.substr(1, close - 1);
    at = close + 1;
  } else {
    while (at < text.size() && (std::isalpha(static_cast<unsigned char>(text[at])) != 0)) ++at;
    abbreviation = text.substr(0, at);
    for (char& c : abbreviation) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  if (at >= text.size()) return std::nullopt;
  int sign = 1;
  if (text[at] == '+' || text[at] == '-') sign = text[at++] == '-' ? -1 : 1;
  size_t used = 0;
  const auto west = parse_hms(text.substr(at), used);
  if (!west || at + used != text.size() || *west > kOffsetMax) return std::nullopt;
  return std::pair{-sign * *west, abbreviation};
}

}  // namespace

struct TimeZone::Impl {
  cctz::time_zone zone;
};

/// Guards the map of zones by lower-case name.
class TimeZoneCache {
 public:
  static TimeZoneCache& instance() {
    static auto* cache = new TimeZoneCache;  // zones live as long as the process
    return *cache;
  }

  const TimeZone* find(std::string_view name) {
    if (name.empty() || name.size() > kNameBytesMax) return nullptr;
    std::string key = lower(name);
    const std::lock_guard lock(mutex_);
    if (const auto found = zones_.find(key); found != zones_.end()) return found->second.get();
    if (zones_.size() >= kCachedMax) return nullptr;
    std::unique_ptr<TimeZone> zone = make(name, key);
    if (zone == nullptr) return nullptr;
    return zones_.emplace(std::move(key), std::move(zone)).first->second.get();
  }

  const TimeZone* fixed(int32_t seconds_east) {
    const std::string display = "<" + offset_name(seconds_east) + ">" + offset_name(-seconds_east);
    const std::lock_guard lock(mutex_);
    auto& slot = zones_["=" + display];
    if (slot == nullptr)
      slot.reset(new TimeZone(display, seconds_east, offset_name(seconds_east), false));
    return slot.get();
  }

 private:
  static std::unique_ptr<TimeZone> make(std::string_view name, const std::string& key) {
    if (key == "utc" || key == "zulu" || key == "z" || key == "gmt")
      return std::unique_ptr<TimeZone>(
          new TimeZone(key == "gmt" ? "GMT" : "UTC", 0, key == "gmt" ? "GMT" : "UTC", false));
    if (const auto proper = zone_names().find(key); proper != zone_names().end()) {
      auto impl = std::make_unique<TimeZone::Impl>();
      if (cctz::load_time_zone(proper->second, &impl->zone))
        return std::unique_ptr<TimeZone>(new TimeZone(proper->second, std::move(impl)));
    }
    const auto* abbreviation = std::lower_bound(
        std::begin(kAbbreviations), std::end(kAbbreviations), key,
        [](const Abbreviation& a, const std::string& k) { return a.name < k; });
    if (abbreviation != std::end(kAbbreviations) && abbreviation->name == key) {
      std::string upper = key;
      for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      return std::unique_ptr<TimeZone>(
          new TimeZone(upper, abbreviation->seconds_east, upper, abbreviation->is_dst));
    }
    if (const auto posix = parse_posix(name)) {
      std::string shown = posix->second.empty() ? offset_name(posix->first) : posix->second;
      return std::unique_ptr<TimeZone>(
          new TimeZone(std::string(name), posix->first, std::move(shown), false));
    }
    return nullptr;
  }

  std::mutex mutex_;
  std::unordered_map<std::string, std::unique_ptr<TimeZone>> zones_;  // GUARDED_BY(mutex_)
};

TimeZone::TimeZone(std::string name, int32_t seconds_east, std::string abbreviation, bool is_dst)
    : name_(std::move(name)),
      fixed_(true),
      fixed_is_dst_(is_dst),
      fixed_seconds_east_(seconds_east),
      fixed_abbreviation_(std::move(abbreviation)) {}
TimeZone::TimeZone(std::string name, std::unique_ptr<Impl> impl)
    : name_(std::move(name)), impl_(std::move(impl)) {}
TimeZone::~TimeZone() = default;

const TimeZone* TimeZone::find(std::string_view name) { return TimeZoneCache::instance().find(name); }

const TimeZone* TimeZone::find_for_setting(std::string_view name) {
  double hours = 0;
  std::string_view digits = name;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), hours,
                                            std::chars_format::fixed);
  if (error == std::errc() && end == digits.data() + digits.size() && !digits.empty()) {
    if (!(hours > -16 && hours < 16)) return nullptr;
    return fixed(static_cast<int32_t>(hours * 3600));
  }
  return find(name);
}

const TimeZone& TimeZone::utc() {
  static const TimeZone* zone = find("UTC");
  return *zone;
}

const TimeZone* TimeZone::fixed(int32_t seconds_east) {
  if (seconds_east < -kOffsetMax || seconds_east > kOffsetMax) return nullptr;
  return TimeZoneCache::instance().fixed(seconds_east);
}

int32_t TimeZone::seconds_east_at(int64_t unix_seconds) const {
  if (fixed_) return fixed_seconds_east_;
  return impl_->zone.lookup(at(clamp_seconds(unix_seconds))).offset;
}

TimeZone::Offset TimeZone::offset_at(int64_t unix_seconds) const {
  if (fixed_) return {fixed_seconds_east_, fixed_is_dst_, fixed_abbreviation_};
  const auto found = impl_->zone.lookup(at(clamp_seconds(unix_seconds)));
  Offset offset{found.offset, found.is_dst, found.abbr};
  return offset;
}

int64_t TimeZone::to_unix_seconds(int64_t local_seconds) const {
  if (fixed_) return local_seconds - fixed_seconds_east_;
  const int64_t clamped = clamp_seconds(local_seconds);
  // The civil time with those seconds is the one UTC shows at that instant.
  const cctz::civil_second civil = cctz::civil_second(1970, 1, 1, 0, 0, 0) + clamped;
  const auto found = impl_->zone.lookup(civil);
  const Seconds instant = found.kind == cctz::time_zone::civil_lookup::REPEATED ? found.post : found.pre;
  return instant.time_since_epoch().count() + (local_seconds - clamped);
}

}  // namespace eventd::engine
