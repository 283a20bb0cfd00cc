// Decoders of sealed segments over any bytes: columns of each kind, bitmaps, directories. The first byte
// says what, the next four how many rows; what decodes may be anything, but nothing may crash, and errors
// must be XX001. Without a corpus, the mutator starts from columns that are right.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "engine/segments/bitmap_column.h"
#include "engine/segments/double_column.h"
#include "engine/segments/integer_column.h"
#include "engine/segments/payload_rebuilder.h"
#include "engine/segments/payload_shredder.h"
#include "engine/segments/segment_directory.h"
#include "engine/segments/segment_encoder.h"
#include "engine/segments/text_column.h"
#include "tests/fuzz/fuzz_random.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

using namespace eventd;          // NOLINT: a fuzz target is one file
using namespace eventd::engine;  // NOLINT

enum Kind : uint8_t { kIntegers, kDoubles, kTexts, kBits, kNullables, kShapes, kDirectory, kPayloads, kKinds };
constexpr size_t kPrefixBytes = 5;
constexpr uint32_t kFuzzRowsMax = 5'000;

void check(const Status& status) {
  if (!status.ok() && !(status.error().code == sqlstate::kDataCorrupted)) std::abort();
}
template <class T>
void check(const Result<T>& result) {
  if (!result.ok() && !(result.error().code == sqlstate::kDataCorrupted)) std::abort();
}

void decode_integers(ByteSpan bytes, uint32_t rows) {
  const auto column = IntegerColumn::open(bytes, rows);
  check(column);
  if (column.ok()) check(column->decode_all());
}

void decode_doubles(ByteSpan bytes, uint32_t rows) {
  const auto column = DoubleColumn::open(bytes, rows);
  check(column);
  std::vector<double> out(kColumnBlockRows);
  for (uint32_t i = 0; column.ok() && i < column->blocks(); ++i) check(column->decode(i, out.data()));
}

void decode_texts(ByteSpan bytes, uint32_t rows) {
  const auto column = TextColumn::open(bytes, rows);
  check(column);
  if (!column.ok()) return;
  TextCursor cursor(*column);
  std::string_view value;
  size_t sum = 0;  // every byte is looked at
  for (uint32_t i = 0; i < rows; ++i) {
    const Status status = cursor.value(i, value);
    check(status);
    if (!status.ok()) return;
    for (const char c : value.substr(0, 64)) sum += static_cast<uint8_t>(c);
  }
  volatile size_t seen = sum;
  (void)seen;
}

void decode_nullables(ByteSpan bytes, uint32_t rows) {
  const auto parts = open_nullable_column(bytes, rows);
  check(parts);
  if (parts.ok()) decode_integers(parts->values, parts->values_count);
}

void decode_shapes(ByteSpan bytes) {
  FormatReader reader(bytes);
  std::vector<PayloadColumnKey> columns;
  std::vector<PayloadShape> shapes;
  check(read_payload_shapes(reader, columns, shapes));
}

/// The checksum is made right, so that what lies behind it is reached.
void decode_with_checksum(ByteSpan bytes) {
  check(decode_directory(bytes));
  std::string sealed(as_text(bytes.first(bytes.size() < 8 ? 0 : bytes.size() - 8)));
  append_le(sealed, segment_checksum(as_bytes(sealed)));
  check(decode_directory(as_bytes(sealed)));
}

/// Shapes, then each column with its size before it: as written by `right_payloads`.
void rebuild_payloads(ByteSpan bytes, uint32_t rows) {
  FormatReader reader(bytes);
  std::vector<PayloadColumnKey> keys;
  std::vector<PayloadShape> shapes;
  const Status status = read_payload_shapes(reader, keys, shapes);
  check(status);
  PayloadColumnBytes columns;
  columns.columns.resize(keys.size());
  if (!status.ok() || !reader.take_sized(columns.shape_ids)) return;
  for (ByteSpan& column : columns.columns) {
    if (!reader.take_sized(column)) return;
  }
  if (!reader.take_sized(columns.rest)) return;
  auto rebuilder = PayloadRebuilder::open(keys, shapes, columns, rows);
  check(rebuilder);
  std::string out;
  for (uint32_t i = 0; rebuilder.ok() && i < std::min(rows, 500u); ++i) {
    check(rebuilder->append(i, out));
    out.clear();
  }
}

// ---- columns that are right, to start from

std::string right_payloads(fuzz::FuzzRandom& random, uint32_t rows) {
  std::vector<std::string> payloads;
  std::vector<SealedRow> sealed(rows);
  const std::string guid(16, 'g');
  for (uint32_t i = 0; i < rows; ++i) {
    std::string payload = random.below(3) == 0 ? "\x82\xa1x\xcd\x10" : "\x82\xa1y\xcd\x20";
    payload += static_cast<char>(random.below(256));
    payload += random.below(2) == 0 ? "\xa1z\xc3" : "\xa1w\xa3" "abc";
    payloads.push_back(payload);
  }
  for (uint32_t i = 0; i < rows; ++i) {
    sealed[i].boot_id = as_bytes(guid).data();
    sealed[i].payload = as_bytes(payloads[i]);
  }
  const auto segment = encode_segment(sealed, {.verify = false});
  if (!segment.ok()) std::abort();
  std::string out;
  append_payload_shapes(segment->info.payload_columns, segment->info.shapes, out);
  for (size_t i = kSealedColumns; i < segment->columns.size(); ++i) {
    append_child(out, [&] { out += segment->columns[i]; });
  }
  return out;
}

std::string right_directory(uint32_t rows) {
  const std::string guid(16, 'g');
  const std::string payload = "\x81\xa1x\x05";
  std::vector<SealedRow> sealed(rows);
  for (SealedRow& row : sealed) {
    row.boot_id = as_bytes(guid).data();
    row.payload = as_bytes(payload);
  }
  const auto segment = encode_segment(sealed, {.verify = false});
  if (!segment.ok()) std::abort();
  return segment->directory;
}

std::string right_column(Kind kind, uint32_t rows, fuzz::FuzzRandom& random) {
  std::vector<int64_t> integers;
  std::vector<double> doubles;
  std::vector<std::string> texts;
  RowBits bits(rows, false);
  const unsigned spread = 1 + static_cast<unsigned>(random.below(30));
  for (uint32_t i = 0; i < rows; ++i) {
    integers.push_back(static_cast<int64_t>(random.below(uint64_t{1} << spread)) << random.below(2) * 30);
    doubles.push_back(static_cast<double>(integers.back()) / (spread % 2 == 0 ? 100 : 3));
    texts.push_back("text " + std::to_string(integers.back()));
    if (random.below(spread) == 0) bits.set(i);
  }
  std::string out;
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const ByteCodec codec = static_cast<ByteCodec>(random.below(3));
  switch (kind) {
    case kIntegers: append_integer_column(integers, out); break;
    case kDoubles: append_double_column(doubles, out); break;
    case kTexts:
      if (random.below(2) == 0) {
        append_text_blocks(views, codec, out);
      } else {
        append_text_column(views, {.codec = codec}, out);
      }
      break;
    case kBits: append_bitmap_column(bits, out); break;
    case kNullables:
      integers.resize(bits.count());
      append_nullable_column(bits, out, [&] { append_integer_column(integers, out); });
      break;
    case kShapes:
    case kPayloads: return right_payloads(random, rows);
    case kDirectory: return right_directory(rows);
    case kKinds: break;
  }
  return out;
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  fuzz::FuzzRandom random(seed);
  if (size < kPrefixBytes || random.below(16) == 0) {
    const auto kind = static_cast<uint8_t>(random.below(kKinds));
    const auto rows = static_cast<uint32_t>(1 + random.below(random.below(32) == 0 ? 2'500 : 60));
    std::string input(1, static_cast<char>(kind));
    append_le(input, rows);
    input += right_column(static_cast<Kind>(kind), rows, random);
    if (input.size() <= max_size) {
      std::memcpy(data, input.data(), input.size());
      size = input.size();
    }
  }
  return LLVMFuzzerMutate(data, size, max_size);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < kPrefixBytes) return 0;
  const uint32_t rows = load_le<uint32_t>(data + 1) % kFuzzRowsMax;
  const ByteSpan bytes(data + kPrefixBytes, size - kPrefixBytes);
  switch (data[0] % kKinds) {
    case kIntegers: decode_integers(bytes, rows); break;
    case kDoubles: decode_doubles(bytes, rows); break;
    case kTexts: decode_texts(bytes, rows); break;
    case kBits: check(decode_bitmap_column(bytes, rows)); break;
    case kNullables: decode_nullables(bytes, rows); break;
    case kShapes: decode_shapes(bytes); break;
    case kDirectory: decode_with_checksum(bytes); break;
    default: rebuild_payloads(bytes, rows);
  }
  return 0;
}
