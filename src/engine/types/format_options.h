// The session settings that decide how values are read and printed.
#pragma once

#include <cstdint>
#include <string>

namespace eventd::engine {

class TimeZone;  // types/time_zone.h

enum class DateStyle : uint8_t { kIso, kPostgres, kSql, kGerman };
enum class DateOrder : uint8_t { kMdy, kDmy, kYmd };
enum class IntervalStyle : uint8_t { kPostgres, kPostgresVerbose, kSqlStandard, kIso8601 };
enum class ByteaOutput : uint8_t { kHex, kEscape };

/// A resolved copy, made when a statement starts; kernels read it without locks.
struct FormatOptions {
  /// Never null while a statement runs; zones live as long as the process.
  const TimeZone* time_zone = nullptr;
  DateStyle date_style = DateStyle::kIso;
  DateOrder date_order = DateOrder::kMdy;
  IntervalStyle interval_style = IntervalStyle::kPostgres;
  ByteaOutput bytea_output = ByteaOutput::kHex;
  int extra_float_digits = 1;
};

}  // namespace eventd::engine
