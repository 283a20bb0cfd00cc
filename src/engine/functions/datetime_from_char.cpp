// to_date(text, text), to_timestamp(text, text).
#include "engine/functions/datetime_functions.h"
#include "engine/functions/datetime_scanner.h"

namespace eventd::engine {
namespace {

Result<int64_t> timestamp_by_format(const CallFrame& frame, std::string_view text, std::string_view format) {
  ASSIGN_OR_RETURN(const ScannedDateTime scanned, scan_datetime(text, format));
  if (scanned.fields.date.year < -4713 || scanned.fields.date.year > 300'000) return fault::kTimestampRange.status();
  const int64_t local = timestamp_from_fields(scanned.fields);
  const int64_t us = scanned.zone_seconds_east
                         ? local - int64_t{*scanned.zone_seconds_east} * kMicrosPerSecond
                         : timestamptz_from_local(local, session_zone(frame));
  if (!timestamp_in_range(us)) return fault::kTimestampRange.status();
  return us;
}

Result<int32_t> date_by_format(std::string_view text, std::string_view format) {
  ASSIGN_OR_RETURN(const ScannedDateTime scanned, scan_datetime(text, format));
  const CivilDate& date = scanned.fields.date;
  const int64_t days = days_from_civil(date.year, date.month, date.day);
  if (date.year < -4713 || date.year > 5'874'898 || days < kDateMin || days >= kDateEnd)
    return {sqlstate::kDatetimeFieldOverflow, "date out of range: \"" + std::string(text) + "\""};
  return static_cast<int32_t>(days);
}

}  // namespace

void register_datetime_from_char(FunctionCatalog::Builder& builder) {
  builder.builtin("to_timestamp(text,text)",
                  row_kernel<int64_t, StringRef, StringRef>(
                      [](const CallFrame& frame, const StringRef& text, const StringRef& format, int64_t& out) -> Status {
                        ASSIGN_OR_RETURN(out, timestamp_by_format(frame, text.view(), format.view()));
                        return Status();
                      }));
  builder.builtin("to_date(text,text)",
                  row_kernel<int32_t, StringRef, StringRef>([](const StringRef& text, const StringRef& format, int32_t& out) -> Status {
                    ASSIGN_OR_RETURN(out, date_by_format(text.view(), format.view()));
                    return Status();
                  }));
}

}  // namespace eventd::engine
