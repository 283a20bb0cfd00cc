// What interpolate() reads and calculates.
#pragma once

#include <cstdint>

#include "engine/types/int128.h"
#include "engine/vector/vector.h"
#include "result.h"

namespace eventd::engine {

/// A time between two others, as a place on the line between their values.
struct GapLine {
  int64_t time, before, after;

  double between(double low, double high) const {
    const double since = static_cast<double>(time) - static_cast<double>(before);
    const double left = static_cast<double>(after) - static_cast<double>(time);
    return (low * left + high * since) / (static_cast<double>(after) - static_cast<double>(before));
  }
  /// Rounds towards zero.
  int64_t between(int64_t low, int64_t high) const {
    const Int128 since = Int128{time} - before, left = Int128{after} - time;
    return static_cast<int64_t>((low * left + high * since) / (Int128{after} - before));
  }
};

/// The whole number, date or time of a row. REQUIRES: a column of such, not NULL.
int64_t time_at(const Vector& column, uint32_t row);
/// Writes it.
void set_whole(Vector& column, uint32_t row, int64_t value);

/// (time, value) as interpolate() is given it from outside the range.
struct OutsidePoint {
  Datum time, value;
};
/// Of a record. 22023 with TimescaleDB's words unless it has these two types.
Result<OutsidePoint> read_outside_point(const Datum& record, const Type& time, const Type& value);

}  // namespace eventd::engine
