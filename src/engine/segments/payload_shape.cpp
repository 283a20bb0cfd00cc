#include "engine/segments/payload_shape.h"

#include <bit>

#include "engine/payload/msgpack_reader.h"
#include "engine/payload/msgpack_writer.h"

namespace eventd::engine {
namespace {

/// Format bytes that a slot of a type may have instead of the shortest.
bool form_fits(PayloadColumnType type, uint8_t form) {
  switch (type) {
    case PayloadColumnType::kInteger: return form <= kShortestSigned || (form >= 0xcc && form <= 0xd3);
    case PayloadColumnType::kDouble: return form == 0xca || form == 0xcb;
    case PayloadColumnType::kText: return form == kShortest || (form >= 0xd9 && form <= 0xdb);
    default: return form == kShortest;
  }
}

template <class T>
void append_tagged(uint8_t tag, T value, std::string& out) {
  out.push_back(static_cast<char>(tag));
  append_be(out, value);
}

Status read_columns(FormatReader& reader, std::vector<PayloadColumnKey>& columns) {
  uint16_t count = 0;
  if (!reader.read(count) || count > kPayloadColumnsMax) return column_damaged("its list of fields");
  for (uint16_t i = 0; i < count; ++i) {
    uint8_t type = 0;
    ByteSpan path;
    if (!reader.read(type) || type < 1 || type > kPayloadColumnTypeMax || !reader.take_sized(path) ||
        path.size() > kPayloadShapeBytesMax) {
      return column_damaged("its list of fields");
    }
    columns.push_back({std::string(as_text(path)), static_cast<PayloadColumnType>(type)});
  }
  return {};
}

Status read_slots(FormatReader& reader, const std::vector<PayloadColumnKey>& columns, PayloadShape& shape) {
  uint16_t count = 0;
  if (!reader.read(count) || count > kPayloadShapeSlotsMax) return column_damaged("a shape of payloads");
  shape.slots.reserve(count);
  uint64_t literal_bytes = 0;
  std::vector<bool> used(columns.size());
  for (uint16_t i = 0; i < count; ++i) {
    PayloadSlot slot;
    uint8_t type = 0;
    if (!reader.read(slot.literal_bytes) || !reader.read(slot.column) || !reader.read(type) ||
        !reader.read(slot.form) || type < 1 || type > kPayloadColumnTypeMax) {
      return column_damaged("a shape of payloads");
    }
    slot.type = static_cast<PayloadColumnType>(type);
    literal_bytes += slot.literal_bytes;
    const bool rest = slot.column == kRestColumn;
    if (!form_fits(slot.type, slot.form) || literal_bytes > shape.literals.size() ||
        (!rest && (slot.column >= columns.size() || columns[slot.column].type != slot.type ||
                   used[slot.column]))) {
      return column_damaged("a shape of payloads");
    }
    if (!rest) used[slot.column] = true;
    shape.slots.push_back(slot);
  }
  return {};
}

}  // namespace

uint32_t PayloadShape::slot_literal_bytes() const {
  uint32_t bytes = 0;
  for (const PayloadSlot& slot : slots) bytes += slot.literal_bytes;
  return bytes;
}

std::string payload_path_text(std::string_view path) {
  MsgpackReader reader(as_bytes(path));
  MsgpackToken token;
  std::string text;
  while (reader.next(token)) {
    if (!text.empty()) text += '.';
    text += token.text();
  }
  return text;
}

std::string payload_path_of(const std::vector<std::string_view>& keys) {
  std::string path;
  MsgpackWriter writer(path);
  for (const auto& key : keys) writer.string(key);
  return path;
}

void append_payload_shapes(const std::vector<PayloadColumnKey>& columns,
                           const std::vector<PayloadShape>& shapes, std::string& out) {
  append_le(out, static_cast<uint16_t>(columns.size()));
  for (const PayloadColumnKey& column : columns) {
    append_le(out, static_cast<uint8_t>(column.type));
    append_child(out, [&] { out += column.path; });
  }
  append_le(out, static_cast<uint16_t>(shapes.size()));
  for (const PayloadShape& shape : shapes) {
    append_child(out, [&] { out += shape.literals; });
    append_le(out, static_cast<uint16_t>(shape.slots.size()));
    for (const PayloadSlot& slot : shape.slots) {
      append_le(out, slot.literal_bytes);
      append_le(out, slot.column);
      append_le(out, static_cast<uint8_t>(slot.type));
      append_le(out, slot.form);
    }
  }
}

Status read_payload_shapes(FormatReader& reader, std::vector<PayloadColumnKey>& columns,
                           std::vector<PayloadShape>& shapes) {
  columns.clear();
  shapes.clear();
  RETURN_IF_ERROR(read_columns(reader, columns));
  uint16_t count = 0;
  if (!reader.read(count) || count > kPayloadShapesMax) return column_damaged("its shapes of payloads");
  shapes.reserve(count);
  for (uint16_t i = 0; i < count; ++i) {
    ByteSpan literals;
    if (!reader.take_sized(literals)) return column_damaged("a shape of payloads");
    shapes.push_back({std::string(as_text(literals)), {}});
    RETURN_IF_ERROR(read_slots(reader, columns, shapes.back()));
  }
  return {};
}

void append_slot_integer(int64_t value, uint8_t form, std::string& out) {
  switch (form) {
    case 0xcc: return append_tagged(form, static_cast<uint8_t>(value), out);
    case 0xcd: return append_tagged(form, static_cast<uint16_t>(value), out);
    case 0xce: return append_tagged(form, static_cast<uint32_t>(value), out);
    case 0xcf:
    case 0xd3: return append_tagged(form, value, out);
    case 0xd0: return append_tagged(form, static_cast<int8_t>(value), out);
    case 0xd1: return append_tagged(form, static_cast<int16_t>(value), out);
    case 0xd2: return append_tagged(form, static_cast<int32_t>(value), out);
    case kShortestSigned:
      if (value > INT32_MAX) return append_tagged(0xd3, value, out);
      if (value > INT16_MAX) return append_tagged(0xd2, static_cast<int32_t>(value), out);
      if (value > INT8_MAX) return append_tagged(0xd1, static_cast<int16_t>(value), out);
      break;
    default: break;
  }
  MsgpackWriter(out).integer(value);
}

void append_slot_unsigned(uint64_t value, std::string& out) { append_tagged(0xcf, value, out); }

void append_slot_double(double value, uint8_t form, std::string& out) {
  if (form == 0xca) return append_tagged(form, std::bit_cast<uint32_t>(static_cast<float>(value)), out);
  append_tagged(0xcb, std::bit_cast<uint64_t>(value), out);
}

void append_slot_text(std::string_view value, uint8_t form, std::string& out) {
  switch (form) {
    case 0xd9: append_tagged(form, static_cast<uint8_t>(value.size()), out); break;
    case 0xda: append_tagged(form, static_cast<uint16_t>(value.size()), out); break;
    case 0xdb: append_tagged(form, static_cast<uint32_t>(value.size()), out); break;
    default: MsgpackWriter(out).string_header(static_cast<uint32_t>(value.size()));
  }
  out += value;
}

}  // namespace eventd::engine
