#include "engine/functions/jsonpath_item.h"

#include "engine/functions/function.h"
#include "engine/functions/jsonb_functions.h"
#include "engine/functions/ordering.h"
#include "engine/payload/json_to_msgpack.h"
#include "engine/payload/jsonb_text.h"
#include "engine/payload/msgpack_reader.h"
#include "engine/payload/msgpack_writer.h"
#include "engine/types/datetime.h"
#include "engine/types/time_zone.h"

namespace eventd::engine {
namespace {

PathItem own(std::string bytes) {
  PathItem item;
  item.owner = std::make_shared<const std::string>(std::move(bytes));
  item.value = as_bytes(*item.owner);
  return item;
}

MsgpackToken first_token(ByteSpan value) {
  MsgpackReader reader(value);
  MsgpackToken token;
  if (!reader.next(token)) token = {};
  return token;
}

bool is_digits(std::string_view text, size_t at, size_t count) {
  if (text.size() < at + count) return false;
  for (size_t i = 0; i < count; ++i)
    if (text[at + i] < '0' || text[at + i] > '9') return false;
  return true;
}

/// Length of "HH:MM:SS[.f…]" at `at`, 0 if there is none.
size_t time_length(std::string_view text, size_t at) {
  if (!is_digits(text, at, 2) || !is_digits(text, at + 3, 2) || !is_digits(text, at + 6, 2) || text[at + 2] != ':' ||
      text[at + 5] != ':')
    return 0;
  size_t end = at + 8;
  if (end < text.size() && text[end] == '.' && is_digits(text, end + 1, 1)) {
    ++end;
    for (int i = 0; i < 6 && is_digits(text, end, 1); ++i) ++end;
  }
  return end - at;
}

/// Length of "+HH[:MM]" at `at`; 0 if there is none.
size_t zone_length(std::string_view text, size_t at) {
  size_t from = at;
  while (from < text.size() && text[from] == ' ') ++from;
  if (from >= text.size() || (text[from] != '+' && text[from] != '-') || !is_digits(text, from + 1, 2)) return 0;
  size_t end = from + 3;
  if (end < text.size() && text[end] == ':' && is_digits(text, end + 1, 2)) end += 3;
  return end - at;
}

/// Seconds of the "+HH[:MM]" at the end of a text that has one.
int32_t zone_of(std::string_view text) {
  const size_t sign = text.find_last_of("+-");
  const auto digits = [&](size_t at) {
    return is_digits(text, at, 2) ? (text[at] - '0') * 10 + (text[at + 1] - '0') : 0;
  };
  const int32_t seconds = digits(sign + 1) * 3600 + digits(sign + 4) * 60;
  return text[sign] == '-' ? -seconds : seconds;
}

/// The type the text's shape stands for, or kInvalid.
Oid datetime_shape(std::string_view text) {
  size_t at = 0;
  const bool dated = is_digits(text, 0, 4) && is_digits(text, 5, 2) && is_digits(text, 8, 2) && text[4] == '-' && text[7] == '-';
  if (dated) {
    at = 10;
    if (at == text.size()) return oid::kDate;
    if (text[at] != ' ' && text[at] != 'T') return oid::kInvalid;
    ++at;
  }
  const size_t clock = time_length(text, at);
  if (clock == 0) return oid::kInvalid;
  at += clock;
  if (at == text.size()) return dated ? oid::kTimestamp : oid::kTime;
  const size_t zone = zone_length(text, at);
  if (zone == 0 || at + zone != text.size()) return oid::kInvalid;
  return dated ? oid::kTimestamptz : oid::kTimetz;
}

Status zone_needed(Oid from, Oid to) {
  const auto name = [](Oid type) { return std::string(type_info(type).name); };
  Error error{sqlstate::kFeatureNotSupported,
              "cannot convert value from " + name(from) + " to " + name(to) + " without time zone usage", {}, {}, {}, 0};
  error.hint = "Use *_tz() function for time zone support.";
  return Status(std::move(error));
}

bool is_clock(Oid type) { return type == oid::kTime || type == oid::kTimetz; }

}  // namespace

PathItemKind PathItem::kind() const {
  if (datetime != nullptr) return PathItemKind::kDatetime;
  const MsgpackToken token = first_token(value);
  switch (token.kind) {
    case MsgpackKind::kNil: return PathItemKind::kNull;
    case MsgpackKind::kBool: return PathItemKind::kBool;
    case MsgpackKind::kInt:
    case MsgpackKind::kUint: return PathItemKind::kNumber;
    case MsgpackKind::kFloat: return token.real - token.real == 0 ? PathItemKind::kNumber : PathItemKind::kString;
    case MsgpackKind::kExt: return token.ext_type == kMsgpackDecimalExt ? PathItemKind::kNumber : PathItemKind::kString;
    case MsgpackKind::kString:
    case MsgpackKind::kBinary: return PathItemKind::kString;
    case MsgpackKind::kArray: return PathItemKind::kArray;
    case MsgpackKind::kMap: return PathItemKind::kObject;
  }
  return PathItemKind::kNull;
}

bool PathItem::boolean() const { return first_token(value).boolean; }

Numeric PathItem::number() const {
  const MsgpackToken token = first_token(value);
  if (token.kind == MsgpackKind::kInt) return Numeric::from_int64(token.integer);
  std::string text;
  append_jsonb_text(value, text);
  Result<Numeric> parsed = Numeric::parse(text);
  return parsed.ok() ? std::move(parsed).value() : Numeric::nan();
}

std::string PathItem::text() const {
  std::string out;
  append_jsonb_scalar_text(value, out);
  return out;
}

Status PathItem::append_msgpack(const FormatOptions& format, std::string& out) const {
  if (datetime == nullptr) {
    out += as_text(value);
    return Status();
  }
  FormatOptions written = format;
  if (const TimeZone* zone = TimeZone::fixed(zone_seconds_east); zone != nullptr) written.time_zone = zone;
  return append_msgpack_from_datum(written, *datetime, out);
}

PathItem PathItem::null() { return own(std::string("\xc0", 1)); }
PathItem PathItem::of_bool(bool v) {
  std::string bytes;
  MsgpackWriter(bytes).boolean(v);
  return own(std::move(bytes));
}
PathItem PathItem::of_text(std::string_view v) {
  std::string bytes;
  MsgpackWriter(bytes).string(v);
  return own(std::move(bytes));
}
Result<PathItem> PathItem::of_number(const Numeric& v) {
  std::string bytes;
  RETURN_IF_ERROR(append_msgpack_from_json(v.text(), JsonLimits{}, bytes));
  return own(std::move(bytes));
}

std::string_view path_type_name(const PathItem& item) {
  switch (item.kind()) {
    case PathItemKind::kNull: return "null";
    case PathItemKind::kBool: return "boolean";
    case PathItemKind::kNumber: return "number";
    case PathItemKind::kString: return "string";
    case PathItemKind::kArray: return "array";
    case PathItemKind::kObject: return "object";
    case PathItemKind::kDatetime: return type_info(item.datetime->type()).display_name;
  }
  return "null";
}

Result<PathItem> parse_path_datetime(const EvalContext& context, std::string_view text) {
  const Oid type = datetime_shape(text);
  if (type == oid::kInvalid) {
    Error error{SqlState{"22031"}, "datetime format is not recognized: \"" + std::string(text) + "\"", {}, {}, {}, 0};
    error.hint = "Use a datetime template argument to specify the input data format.";
    return Status(std::move(error));
  }
  ASSIGN_OR_RETURN(Datum value, datum_from_text(context, Type{type, -1}, text));
  PathItem item;
  item.datetime = std::make_shared<const Datum>(std::move(value));
  if (type == oid::kTimestamptz) item.zone_seconds_east = zone_of(text);
  return item;
}

Result<int> compare_path_datetimes(const EvalContext& context, const Datum& a, const Datum& b, bool use_zone) {
  if (is_clock(a.type()) != is_clock(b.type())) return kIncomparable;
  const TimeZone& zone = context.format.time_zone != nullptr ? *context.format.time_zone : TimeZone::utc();
  const auto sign = [](auto x, auto y) { return x < y ? -1 : x > y ? 1 : 0; };
  if (is_clock(a.type())) {
    if (a.type() == oid::kTime && b.type() == oid::kTime) return sign(a.as<int64_t>(), b.as<int64_t>());
    const auto zoned = [&](const Datum& v) -> Result<TimetzValue> {
      if (v.type() == oid::kTimetz) return v.as<TimetzValue>();
      if (!use_zone) return zone_needed(oid::kTime, oid::kTimetz);
      const int64_t now = floor_div(context.transaction_timestamp_us, kMicrosPerSecond) + kPostgresEpochSeconds;
      return TimetzValue{v.as<int64_t>(), -zone.seconds_east_at(now)};
    };
    ASSIGN_OR_RETURN(const TimetzValue x, zoned(a));
    ASSIGN_OR_RETURN(const TimetzValue y, zoned(b));
    return TimetzOrder::less(x, y) ? -1 : TimetzOrder::less(y, x) ? 1 : 0;
  }
  const bool instants = a.type() == oid::kTimestamptz || b.type() == oid::kTimestamptz;
  const auto moment = [&](const Datum& v) -> Result<int64_t> {
    if (v.type() == oid::kTimestamptz) return v.as<int64_t>();
    const int64_t local = v.type() == oid::kDate ? int64_t{v.as<int32_t>()} * kMicrosPerDay : v.as<int64_t>();
    if (!instants) return local;
    if (!use_zone) return zone_needed(v.type(), oid::kTimestamptz);
    return timestamptz_from_local(local, zone);
  };
  ASSIGN_OR_RETURN(const int64_t x, moment(a));
  ASSIGN_OR_RETURN(const int64_t y, moment(b));
  return sign(x, y);
}

}  // namespace eventd::engine
