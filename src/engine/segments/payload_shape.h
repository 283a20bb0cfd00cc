// The shape of a payload: everything of its bytes but the values of its fields. Payloads of one shape
// differ in nothing else, so a shape and one value a slot give back the bytes exactly.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/segments/column_format.h"

namespace eventd::engine {

/// What a payload column holds. Fields of several types at one path are several columns. Numbers are part
/// of the storage format.
enum class PayloadColumnType : uint8_t {
  kInteger = 1,   ///< all that fit int64
  kUnsigned = 2,  ///< 2^63 and more, as their bits
  kDouble = 3,
  kBool = 4,
  kText = 5,
  kRaw = 6,  ///< msgpack values as they came: binary, ext, arrays, odd maps; at the root whole payloads
};
inline constexpr uint8_t kPayloadColumnTypeMax = 6;

/// How a slot's value was written. Other numbers are the format byte itself (0xc4 … 0xdb): a form that
/// was longer than needed. Numbers are part of the storage format.
enum SlotForm : uint8_t {
  kShortest = 0,        ///< the shortest; of integers that are not negative the unsigned one
  kShortestSigned = 1,  ///< an integer above 127 in the shortest of the signed forms
};

/// Column number of a slot whose value lies in the column shared by rare fields.
inline constexpr uint16_t kRestColumn = 0xffff;

/// One field's place in a shape.
struct PayloadSlot {
  uint32_t literal_bytes = 0;  ///< bytes of the template before the value
  uint16_t column = 0;         ///< into the segment's payload columns, or kRestColumn
  PayloadColumnType type = PayloadColumnType::kRaw;
  uint8_t form = kShortest;
};

/// Immutable once made.
struct PayloadShape {
  std::string literals;            ///< headers, keys and nil, of the whole payload
  std::vector<PayloadSlot> slots;  ///< in the order of the bytes
  /// Literals after the last slot begin here.
  uint32_t slot_literal_bytes() const;
};

/// A payload column: path and type. The path is its keys as msgpack strings, one after the other; empty
/// for the payload itself.
struct PayloadColumnKey {
  std::string path;
  PayloadColumnType type = PayloadColumnType::kRaw;
  bool operator==(const PayloadColumnKey&) const = default;
  auto operator<=>(const PayloadColumnKey&) const = default;
};

/// `a.b` for messages and EXPLAIN; keys with dots are not marked.
std::string payload_path_text(std::string_view path);
/// The path of keys from the outermost.
std::string payload_path_of(const std::vector<std::string_view>& keys);

/// Columns and shapes as bytes, and back: XX001. Slots' columns are checked against the columns.
void append_payload_shapes(const std::vector<PayloadColumnKey>& columns,
                           const std::vector<PayloadShape>& shapes, std::string& out);
Status read_payload_shapes(FormatReader& reader, std::vector<PayloadColumnKey>& columns,
                           std::vector<PayloadShape>& shapes);

/// Appends an integer as its slot has it.
void append_slot_integer(int64_t value, uint8_t form, std::string& out);
void append_slot_unsigned(uint64_t value, std::string& out);
void append_slot_double(double value, uint8_t form, std::string& out);
void append_slot_text(std::string_view value, uint8_t form, std::string& out);

}  // namespace eventd::engine
