// Takes a payload apart into its shape and the values of its slots.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/segments/payload_shape.h"

namespace eventd::engine {

class MsgpackReader;

/// A slot's value: a number in `bits`, or bytes of the payload.
struct PayloadValue {
  uint64_t bits = 0;  ///< integers, the double's bits, 0 or 1
  const uint8_t* data = nullptr;
  uint32_t size = 0;
  std::string_view text() const { return {reinterpret_cast<const char*>(data), size}; }
};

/// Reused for payload after payload; what it gives is valid until the next. Owned by one thread.
class PayloadParser {
 public:
  /// Any bytes are taken: what is no whole msgpack value, or beyond the bounds of shapes, becomes one
  /// slot that holds all of it. The values borrow from `payload`. With `paths` each slot's path is
  /// noted, which takes longer.
  void parse(ByteSpan payload, bool paths = false);
  /// As parse, of a payload that is to keep its bytes.
  void parse_raw(ByteSpan payload);

  const std::string& literals() const { return literals_; }
  const std::vector<PayloadSlot>& slots() const { return slots_; }
  const std::vector<PayloadValue>& values() const { return values_; }
  const std::vector<std::string>& paths() const { return paths_; }

 private:
  /// An open map, and how things were before it.
  struct Frame {
    uint32_t pairs_left;
    uint32_t literal_end;
    const uint8_t* begin;
    size_t literals, slots;
  };

  bool parse_value(ByteSpan payload, bool paths);
  bool take_value(MsgpackReader& reader, const uint8_t* end);
  bool take_key(MsgpackReader& reader, const uint8_t* end);
  bool take_scalar(MsgpackReader& reader, const uint8_t* end);
  bool take_raw(MsgpackReader& reader);
  void add_literal(const uint8_t* begin, const uint8_t* end);
  void add_slot(PayloadColumnType type, uint8_t form, PayloadValue value);

  std::string literals_;
  std::vector<PayloadSlot> slots_;
  std::vector<PayloadValue> values_;
  std::vector<std::string> paths_;
  std::vector<std::string_view> keys_;
  std::array<Frame, kPayloadShapeDepthMax> frames_;
  int depth_ = 0;
  uint32_t literal_end_ = 0;  // literals before the last slot
  bool with_paths_ = false;
};

}  // namespace eventd::engine
