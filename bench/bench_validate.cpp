// Validation of UTF-8 and msgpack: with the processor's vector instructions, beside the scalar twin.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <functional>

#include "bench/bench.h"
#include "bench/event_set.h"
#include "engine/payload/msgpack_writer.h"
#include "kmes/validate.h"

namespace eventd::bench {
namespace {

constexpr size_t kTextBytes = 64 << 10;
constexpr unsigned kNestingMax = 32;
constexpr size_t kPayloads = 1000;
/// Time is taken over slices, the least of which counts: what is measured is the code, not what else
/// ran on the core.
constexpr int kSlices = 60;
constexpr double kSliceSeconds = 0.002;

double thread_cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// CPU seconds of one call, which must succeed.
double seconds_of(const std::function<bool()>& call) {
  uint64_t calls = 1;
  double least = 0;
  for (int slice = 0; slice < kSlices;) {
    const double start = thread_cpu_seconds();
    for (uint64_t i = 0; i < calls; ++i) {
      if (!call()) std::abort();
    }
    const double seconds = thread_cpu_seconds() - start;
    if (seconds < kSliceSeconds) {
      calls *= 2;
      continue;
    }
    const double one = seconds / static_cast<double>(calls);
    least = slice == 0 ? one : std::min(least, one);
    ++slice;
  }
  return least;
}

std::string repeated(std::string_view part) {
  std::string text;
  while (text.size() < kTextBytes) text += part;
  return text;
}

/// A map of eight fields and 121 bytes.
std::string small_map() {
  std::string bytes;
  engine::MsgpackWriter writer(bytes);
  writer.map_header(8);
  const auto text = [&](std::string_view key, std::string_view value) {
    writer.string(key);
    writer.string(value);
  };
  const auto number = [&](std::string_view key, int64_t value) {
    writer.string(key);
    writer.integer(value);
  };
  number("granted_access", 2032127);
  text("target_sid", "S-1-5-21-39795");
  text("path", "/usr/lib/x86_64/libc.");
  number("pid", 4711);
  number("latency_us", 873);
  writer.string("ok");
  writer.boolean(true);
  number("bytes", 70'000);
  text("user", "alice");
  return bytes;
}

/// `unit_of` makes the figure of a call's seconds.
void measure(Report& report, const BenchOptions& options, Measurement measurement,
             const std::function<double(double)>& unit_of, const std::function<bool()>& vector,
             const std::function<bool()>& scalar) {
  measurement.peer = "scalar";
  for (int run = 0; run < options.runs; ++run) {
    measurement.eventd.add(unit_of(seconds_of(vector)));
    measurement.peer_values.add(unit_of(seconds_of(scalar)));
  }
  report.add(std::move(measurement));
}

void measure_text(Report& report, const BenchOptions& options, const std::string& name,
                  std::string_view part) {
  const std::string text = repeated(part);
  const auto* const bytes = reinterpret_cast<const uint8_t*>(text.data());
  measure(
      report, options,
      {.name = "validate UTF-8, " + name, .unit = "GB/s", .peer = {}, .note = "64 kB; wanted: 3"},
      [&](double seconds) { return static_cast<double>(text.size()) / seconds * 1e-9; },
      [&] { return kmes_utf8_valid(bytes, text.size()); },
      [&] { return kmes_utf8_valid_scalar(bytes, text.size()); });
}

void measure_map(Report& report, const BenchOptions& options) {
  const std::string map = small_map();
  const auto* const bytes = reinterpret_cast<const uint8_t*>(map.data());
  measure(
      report, options,
      {.name = fmt::format("validate map of {} bytes", map.size()), .unit = "ns",
       .higher_is_better = false, .peer = {}, .note = "one map over and over; wanted: 45"},
      [](double seconds) { return seconds * 1e9; },
      [&] { return kmes_msgpack_valid(bytes, map.size(), kNestingMax); },
      [&] { return kmes_msgpack_valid_scalar(bytes, map.size(), kNestingMax); });
}

void measure_payloads(Report& report, const BenchOptions& options) {
  const EventSet events(kPayloads, recent_day_begin_ns());
  size_t bytes = 0;
  for (size_t i = 0; i < events.size(); ++i) bytes += events.payload(i).size();
  const auto all = [&](auto valid) {
    return [&events, valid] {
      for (size_t i = 0; i < events.size(); ++i) {
        if (!valid(events.payload(i).data(), events.payload(i).size(), kNestingMax)) return false;
      }
      return true;
    };
  };
  measure(report, options,
          {.name = "validate workload payloads", .unit = "ns", .higher_is_better = false, .peer = {},
           .note = fmt::format("{} that differ, {} bytes each", kPayloads, bytes / kPayloads)},
          [](double seconds) { return seconds * 1e9 / static_cast<double>(kPayloads); },
          all(kmes_msgpack_valid), all(kmes_msgpack_valid_scalar));
}

}  // namespace

void bench_validate(const BenchOptions& options, Report& report) {
  measure_text(report, options, "ASCII", "The quick brown fox jumps over the lazy dog. ");
  measure_text(report, options, "German", "Die Größe der Datei überschreitet das zulässige Maß. ");
  measure_text(report, options, "Russian", "Размер файла превышает допустимый предел. ");
  measure_text(report, options, "Chinese", "文件大小超过允许的限制。");
  measure_text(report, options, "emoji", "😀🎉 👍🏽 ");
  measure_map(report, options);
  measure_payloads(report, options);
}

}  // namespace eventd::bench
