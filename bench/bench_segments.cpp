// Sealed segments in memory: size, and the speed of each encoding and of whole segments, beside a copy of
// the same values as they are.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>

#include "bench/bench.h"
#include "bench/event_set.h"
#include "engine/segments/bit_packing.h"
#include "engine/segments/bitmap_column.h"
#include "engine/segments/double_column.h"
#include "engine/segments/integer_column.h"
#include "engine/segments/segment_encoder.h"
#include "engine/segments/segment_row_reader.h"
#include "engine/segments/text_column.h"

namespace eventd::bench {
namespace {

using engine::ByteCodec;

constexpr size_t kValues = 65'536;
constexpr int kSegmentSlices = 15;
constexpr uint64_t kEventsMax = 1'000'000;

double cpu_seconds_of_thread() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// Least CPU time of one call over some calls, in ns a value.
template <class Call>
double least_ns(size_t values, Call call) {
  double least = 0;
  for (int slice = 0; slice < kSegmentSlices; ++slice) {
    const double start = cpu_seconds_of_thread();
    call();
    const double seconds = cpu_seconds_of_thread() - start;
    least = slice == 0 ? seconds : std::min(least, seconds);
  }
  return least * 1e9 / static_cast<double>(values);
}

void require(bool ok) {
  if (!ok) std::abort();
}

/// One line: what it takes to decode a value, beside copying it; bytes and encoding in the note.
void measure_encoding(Report& report, const BenchOptions& options, const std::string& name,
                      size_t value_bytes, const std::function<void(std::string&)>& encode,
                      const std::function<void(const std::string&)>& decode) {
  Measurement line{.name = "decode " + name, .unit = "ns", .higher_is_better = false,
                   .peer = "copy", .note = {}};
  const std::vector<char> from(kValues * value_bytes, 'x');
  std::vector<char> to(from.size());
  std::string column;
  encode(column);
  double encode_ns = 0;
  for (int run = 0; run < options.runs; ++run) {
    encode_ns = least_ns(kValues, [&] {
      std::string again;
      encode(again);
    });
    line.eventd.add(least_ns(kValues, [&] { decode(column); }));
    line.peer_values.add(least_ns(kValues, [&] {
      std::memcpy(to.data(), from.data(), from.size());
      asm volatile("" : : "r"(to.data()) : "memory");
    }));
  }
  line.note = fmt::format("{:.2f} bytes a value; encode {:.1f} ns",
                          static_cast<double>(column.size()) / kValues, encode_ns);
  report.add(std::move(line));
}

void measure_unpacking(Report& report, const BenchOptions& options, unsigned width) {
  Random random(width);
  std::vector<uint64_t> values(kValues), out(kValues);
  for (uint64_t& value : values) value = random.next() >> (64 - width);
  std::string packed;
  engine::pack_bits(values, width, packed);
  packed.append(engine::kPackedPadding, '\0');
  Measurement line{.name = fmt::format("unpack {} bits", width), .unit = "ns", .higher_is_better = false,
                   .peer = "scalar", .note = {}};
  for (int run = 0; run < options.runs; ++run) {
    line.eventd.add(least_ns(
        kValues, [&] { require(engine::unpack_bits(as_bytes(packed), width, kValues, out.data())); }));
    line.peer_values.add(least_ns(
        kValues, [&] { require(engine::unpack_bits_scalar(as_bytes(packed), width, kValues, out.data())); }));
  }
  report.add(std::move(line));
}

void measure_integers(Report& report, const BenchOptions& options, const std::string& name,
                      const std::function<int64_t(Random&, size_t)>& value) {
  Random random(1);
  std::vector<int64_t> values;
  for (size_t i = 0; i < kValues; ++i) values.push_back(value(random, i));
  std::vector<int64_t> out(kValues);
  measure_encoding(
      report, options, name, sizeof(int64_t),
      [&](std::string& to) { engine::append_integer_column(values, to); },
      [&](const std::string& from) {
        const auto column = engine::IntegerColumn::open(as_bytes(from), kValues);
        require(column.ok());
        for (uint32_t i = 0; i < column->blocks(); ++i) {
          require(column->decode(i, out.data() + i * engine::kColumnBlockRows).ok());
        }
      });
}

void measure_doubles(Report& report, const BenchOptions& options, const std::string& name,
                     const std::function<double(Random&)>& value) {
  Random random(1);
  std::vector<double> values, out(kValues);
  for (size_t i = 0; i < kValues; ++i) values.push_back(value(random));
  measure_encoding(
      report, options, name, sizeof(double),
      [&](std::string& to) { engine::append_double_column(values, to); },
      [&](const std::string& from) {
        const auto column = engine::DoubleColumn::open(as_bytes(from), kValues);
        require(column.ok());
        for (uint32_t i = 0; i < column->blocks(); ++i) {
          require(column->decode(i, out.data() + i * engine::kColumnBlockRows).ok());
        }
      });
}

void measure_texts(Report& report, const BenchOptions& options, const std::string& name, ByteCodec codec,
                   const std::vector<std::string>& texts) {
  const std::vector<std::string_view> values(texts.begin(), texts.end());
  measure_encoding(
      report, options, name, texts[0].size(),
      [&](std::string& to) { engine::append_text_column(values, {.codec = codec}, to); },
      [&](const std::string& from) {
        const auto column = engine::TextColumn::open(as_bytes(from), kValues);
        require(column.ok());
        engine::TextCursor cursor(*column);
        std::string_view value;
        for (uint32_t i = 0; i < kValues; ++i) require(cursor.value(i, value).ok());
      });
}

void measure_bits(Report& report, const BenchOptions& options) {
  Random random(1);
  engine::RowBits bits(kValues, false);
  for (uint32_t i = 0; i < kValues; ++i) {
    if (random.below(100) < 97) bits.set(i);
  }
  measure_encoding(report, options, "bits (97 % set)", 1,
                   [&](std::string& to) { engine::append_bitmap_column(bits, to); },
                   [&](const std::string& from) {
                     require(engine::decode_bitmap_column(as_bytes(from), kValues).ok());
                   });
}

std::vector<engine::SealedRow> sealed_rows(const EventSet& events, size_t first, size_t count) {
  std::vector<engine::SealedRow> rows(count);
  for (size_t i = 0; i < count; ++i) {
    const engine::EventRow from = events.row(first + i);
    engine::SealedRow& row = rows[i];
    row.id = static_cast<int64_t>(first + i + 1);
    row.timestamp_ns = from.timestamp_ns;
    if (from.sequence) row.sequence = static_cast<int64_t>(*from.sequence);
    if (from.cpu_id) row.cpu_id = *from.cpu_id;
    if (from.origin_class) row.origin_class = *from.origin_class;
    row.boot_id = from.boot_id;
    row.effective_token_guid = from.effective_token_guid;
    row.true_token_guid = from.true_token_guid;
    row.process_guid = from.process_guid;
    row.event_type = from.event_type;
    row.payload = from.payload;
  }
  return rows;
}

/// What sealing and reading all of the events takes.
struct SegmentsTotal {
  size_t bytes = 0, row_bytes = 0;
  double encode_seconds = 0, read_seconds = 0;
};

void read_rows(const engine::EncodedSegment& segment) {
  std::vector<ByteSpan> columns;
  for (const std::string& column : segment.columns) columns.push_back(as_bytes(column));
  auto reader = engine::SegmentRowReader::open(segment.info, std::move(columns));
  require(reader.ok());
  engine::SealedRow row;
  for (uint32_t i = 0; i < segment.info.rows; ++i) require(reader->read(i, row).ok());
}

SegmentsTotal seal_all(const EventSet& events, ByteCodec codec) {
  SegmentsTotal total;
  for (size_t first = 0; first < events.size(); first += kValues) {
    const auto rows = sealed_rows(events, first, std::min(kValues, events.size() - first));
    for (const auto& row : rows) total.row_bytes += 4 * 16 + 8 * 5 + row.event_type.size() + row.payload.size();
    const double start = cpu_seconds_of_thread();
    const auto segment = engine::encode_segment(rows, {.codec = codec, .verify = false});
    total.encode_seconds += cpu_seconds_of_thread() - start;
    require(segment.ok());
    total.bytes += segment->bytes();
    const double read = cpu_seconds_of_thread();
    read_rows(*segment);
    total.read_seconds += cpu_seconds_of_thread() - read;
  }
  return total;
}

void measure_segments(Report& report, const BenchOptions& options, const EventSet& events,
                      const std::string& name, ByteCodec codec) {
  const auto count = static_cast<double>(events.size());
  Measurement line{.name = "segment, " + name, .unit = "bytes", .higher_is_better = false,
                   .peer = "values as they are", .note = {}};
  for (int run = 0; run < options.runs; ++run) {
    const SegmentsTotal total = seal_all(events, codec);
    line.eventd.add(static_cast<double>(total.bytes) / count);
    line.peer_values.add(static_cast<double>(total.row_bytes) / count);
    line.note = fmt::format("an event; encode {:.0f} ns, read whole rows {:.0f} ns an event; wanted: 30 bytes",
                            total.encode_seconds * 1e9 / count, total.read_seconds * 1e9 / count);
  }
  report.add(std::move(line));
}

void measure_texts_of(Report& report, const BenchOptions& options) {
  Random random(1);
  const Zipf zipf(5'000, 0.8);
  std::vector<std::string> few, many;
  for (size_t i = 0; i < kValues; ++i) {
    few.push_back(fmt::format("/usr/lib/x86_64-linux-gnu/part{:02}/file{:04}", i % 37, zipf.rank(random)));
    many.push_back(fmt::format("session {:08x} of account{:03} closed after {} requests and {} bytes",
                               random.below(1u << 31), random.below(100), random.below(500),
                               random.below(1 << 20)));
    few.back().resize(42, '0');
    if (i >= 5'000) few.back() = few[zipf.rank(random)];
  }
  measure_texts(report, options, "text of 5,000 values", ByteCodec::kLz4, few);
  measure_texts(report, options, "text of many values, lz4", ByteCodec::kLz4, many);
  measure_texts(report, options, "text of many values, zstd", ByteCodec::kZstd, many);
}

}  // namespace

void bench_segments(const BenchOptions& options, Report& report) {
  for (const unsigned width : {5u, 13u, 28u, 48u}) measure_unpacking(report, options, width);
  measure_integers(report, options, "times (steps)",
                   [](Random& r, size_t i) { return static_cast<int64_t>(i * 86'400'000 + r.below(86'400'000)); });
  measure_integers(report, options, "integers (frame)",
                   [](Random& r, size_t) { return static_cast<int64_t>(r.below(65'536)); });
  measure_integers(report, options, "integers (runs)",
                   [](Random&, size_t i) { return static_cast<int64_t>(i / 300); });
  measure_integers(report, options, "integers (dictionary)",
                   [](Random& r, size_t) { return int64_t{0x20000} | int64_t{1} << r.below(22); });
  measure_doubles(report, options, "doubles (decimals)",
                  [](Random& r) { return static_cast<double>(r.below(100'000)) / 100; });
  measure_doubles(report, options, "doubles (any)", [](Random& r) { return r.uniform(); });
  measure_bits(report, options);
  measure_texts_of(report, options);
  const EventSet events(std::min(options.rows, kEventsMax), recent_day_begin_ns());
  measure_segments(report, options, events, "lz4", ByteCodec::kLz4);
  measure_segments(report, options, events, "zstd", ByteCodec::kZstd);
}

}  // namespace eventd::bench
