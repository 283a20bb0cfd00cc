#include "engine/segments/segment_directory.h"

#include <fmt/format.h>
#include <xxhash.h>

#include "engine/segments/byte_codec.h"

namespace eventd::engine {
namespace {

constexpr uint32_t kDirectoryMagic = 0x31535645;  // "EVS1"
constexpr size_t kShapesBytesMax = size_t{64} << 20;
constexpr size_t kColumnsMax = kSealedColumns + 2 + kPayloadColumnsMax;

enum BoundKind : uint8_t { kNoBound = 0, kIntegerBound = 1, kDoubleBound = 2, kBytesBound = 3 };

void append_bound(const ColumnBound& bound, std::string& out) {
  append_le(out, static_cast<uint8_t>(bound.index()));
  if (const auto* integer = std::get_if<int64_t>(&bound)) append_le(out, *integer);
  if (const auto* real = std::get_if<double>(&bound)) append_le(out, *real);
  if (const auto* bytes = std::get_if<std::string>(&bound)) {
    append_le(out, static_cast<uint8_t>(bytes->size()));
    out += *bytes;
  }
}

template <class T>
bool read_number_bound(FormatReader& reader, ColumnBound& bound) {
  T value{};
  if (!reader.read(value)) return false;
  bound = value;
  return true;
}

bool read_bound(FormatReader& reader, ColumnBound& bound) {
  uint8_t kind = 0, size = 0;
  ByteSpan bytes;
  if (!reader.read(kind)) return false;
  switch (kind) {
    case kNoBound: return true;
    case kIntegerBound: return read_number_bound<int64_t>(reader, bound);
    case kDoubleBound: return read_number_bound<double>(reader, bound);
    case kBytesBound:
      if (!reader.read(size) || size > kBoundBytesMax || !reader.take(size, bytes)) return false;
      bound = std::string(as_text(bytes));
      return true;
    default: return false;
  }
}

bool read_column_info(FormatReader& reader, SegmentColumnInfo& info) {
  uint8_t name_size = 0, encoding = 0;
  ByteSpan name;
  if (!reader.read(name_size) || !reader.take(name_size, name) || !reader.read(encoding) ||
      !reader.read(info.nulls) || !reader.read(info.bytes) || !reader.read(info.checksum)) {
    return false;
  }
  info.name = as_text(name);
  info.encoding = static_cast<ColumnEncoding>(encoding);
  return read_bound(reader, info.min) && read_bound(reader, info.max);
}

Status read_shapes_part(FormatReader& reader, SegmentDirectory& directory) {
  uint8_t codec = 0;
  uint32_t raw_bytes = 0;
  ByteSpan stored;
  if (!reader.read(codec) || !reader.read(raw_bytes) || raw_bytes > kShapesBytesMax ||
      !reader.take_sized(stored) ||
      raw_bytes > decompressed_bytes_max(static_cast<ByteCodec>(codec), stored.size())) {
    return column_damaged("its directory is cut off");
  }
  std::string raw(raw_bytes, '\0');
  RETURN_IF_ERROR(decompress(static_cast<ByteCodec>(codec), stored, raw));
  FormatReader shapes(as_bytes(raw));
  return read_payload_shapes(shapes, directory.payload_columns, directory.shapes);
}

}  // namespace

std::string_view sealed_column_name(SealedColumn column) {
  static constexpr std::string_view kNames[kSealedColumns] = {
      "id",           "timestamp",  "boot_id",              "cpu_id",          "sequence",
      "origin_class", "event_type", "effective_token_guid", "true_token_guid", "process_guid"};
  return kNames[static_cast<size_t>(column)];
}

uint64_t segment_checksum(ByteSpan bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

Status check_column(const SegmentColumnInfo& info, ByteSpan bytes) {
  if (bytes.size() == info.bytes && segment_checksum(bytes) == info.checksum) return {};
  return column_damaged(fmt::format("column \"{}\" is not what was written", info.name));
}

std::string encode_directory(const SegmentDirectory& directory) {
  std::string out, shapes;
  append_le(out, kDirectoryMagic);
  append_le(out, directory.rows);
  append_le(out, directory.first_id);
  append_le(out, directory.last_id);
  append_le(out, directory.min_timestamp_ns);
  append_le(out, directory.max_timestamp_ns);
  append_le(out, static_cast<uint16_t>(directory.columns.size()));
  for (const SegmentColumnInfo& info : directory.columns) {
    append_le(out, static_cast<uint8_t>(info.name.size()));
    out += info.name;
    append_le(out, static_cast<uint8_t>(info.encoding));
    append_le(out, info.nulls);
    append_le(out, info.bytes);
    append_le(out, info.checksum);
    append_bound(info.min, out);
    append_bound(info.max, out);
  }
  append_payload_shapes(directory.payload_columns, directory.shapes, shapes);
  append_le(out, static_cast<uint8_t>(ByteCodec::kZstd));
  append_le(out, static_cast<uint32_t>(shapes.size()));
  append_child(out, [&] { append_compressed(ByteCodec::kZstd, as_bytes(shapes), out); });
  append_le(out, segment_checksum(as_bytes(out)));
  return out;
}

Result<SegmentDirectory> decode_directory(ByteSpan bytes) {
  if (bytes.size() < sizeof(uint64_t)) return column_damaged("its directory is cut off");
  const ByteSpan body = bytes.first(bytes.size() - sizeof(uint64_t));
  if (load_le<uint64_t>(body.data() + body.size()) != segment_checksum(body)) {
    return column_damaged("its directory is not what was written");
  }
  FormatReader reader(body);
  SegmentDirectory directory;
  uint32_t magic = 0;
  uint16_t columns = 0;
  if (!reader.read(magic) || magic != kDirectoryMagic || !reader.read(directory.rows) ||
      directory.rows > kSegmentRowsMax || !reader.read(directory.first_id) ||
      !reader.read(directory.last_id) || !reader.read(directory.min_timestamp_ns) ||
      !reader.read(directory.max_timestamp_ns) || !reader.read(columns) || columns > kColumnsMax) {
    return column_damaged("its directory is of another kind");
  }
  directory.columns.resize(columns);
  for (SegmentColumnInfo& info : directory.columns) {
    if (!read_column_info(reader, info) || info.nulls > directory.rows) {
      return column_damaged("its directory is cut off");
    }
  }
  RETURN_IF_ERROR(read_shapes_part(reader, directory));
  if (directory.columns.size() != directory.rest_column() + 1) {
    return column_damaged("its directory has another number of columns");
  }
  return directory;
}

}  // namespace eventd::engine
