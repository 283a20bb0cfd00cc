// Time zones: IANA names (cctz, the system's tzdata), PostgreSQL's abbreviations, POSIX-like fixed
// offsets.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace eventd::engine {

/// One zone. Immutable; made once, kept for the life of the process; any thread may read it.
class TimeZone {
 public:
  struct Offset {
    int32_t seconds_east = 0;
    bool is_dst = false;
    std::string abbreviation;
  };

  /// By IANA name ("Europe/Berlin"), abbreviation ("CEST", "Z") or POSIX-like offset, whose sign is
  /// POSIX's as in PostgreSQL's AT TIME ZONE ("+02" and "XYZ+2" lie WEST of UTC). Case-insensitive.
  /// Null if unknown. The number of distinct names kept is bounded.
  static const TimeZone* find(std::string_view name);
  /// As `SET TimeZone`: a bare number ("+02", "-3.5") is hours EAST of UTC; otherwise as find().
  static const TimeZone* find_for_setting(std::string_view name);
  static const TimeZone& utc();
  /// The zone with a fixed offset. Null past ±15:59:59.
  static const TimeZone* fixed(int32_t seconds_east);

  ~TimeZone();
  TimeZone(const TimeZone&) = delete;
  TimeZone& operator=(const TimeZone&) = delete;

  /// What SHOW TimeZone prints.
  const std::string& name() const { return name_; }
  bool is_fixed() const { return fixed_; }
  /// Seconds east of UTC at an instant (Unix seconds).
  int32_t seconds_east_at(int64_t unix_seconds) const;
  /// The same with DST flag and abbreviation.
  Offset offset_at(int64_t unix_seconds) const;
  /// Local wall-clock seconds (since 1970-01-01 local) → Unix seconds, as PostgreSQL: inside a gap
  /// the offset before the transition counts, in an overlap the one after it.
  int64_t to_unix_seconds(int64_t local_seconds) const;

 private:
  struct Impl;
  TimeZone(std::string name, int32_t seconds_east, std::string abbreviation, bool is_dst);
  TimeZone(std::string name, std::unique_ptr<Impl> impl);
  friend class TimeZoneCache;

  std::string name_;
  bool fixed_ = false;
  bool fixed_is_dst_ = false;
  int32_t fixed_seconds_east_ = 0;
  std::string fixed_abbreviation_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace eventd::engine
