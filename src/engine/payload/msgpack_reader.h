// A pull reader over one msgpack value. Source of the format: msgpack spec (github.com/msgpack).
#pragma once

#include <cstdint>
#include <string_view>

#include "bytes.h"

namespace eventd::engine {

/// ext type of a number kept as decimal text because float64 does not reproduce it.
inline constexpr int8_t kMsgpackDecimalExt = 1;
/// Nesting the reader's users support; deeper input reads as garbage (validation allows no more).
inline constexpr int kMsgpackNestingMax = 256;

enum class MsgpackKind : uint8_t { kNil, kBool, kInt, kUint, kFloat, kString, kBinary, kArray, kMap, kExt };

/// One token. A container's token is followed by its items (`count` values, or count key-value pairs).
struct MsgpackToken {
  MsgpackKind kind = MsgpackKind::kNil;
  int8_t ext_type = 0;
  bool boolean = false;
  uint32_t count = 0;   ///< array and map
  int64_t integer = 0;  ///< kInt (also kUint's bits)
  double real = 0;      ///< kFloat
  ByteSpan bytes;       ///< string, binary, ext
  uint64_t unsigned_integer() const { return static_cast<uint64_t>(integer); }
  std::string_view text() const { return as_text(bytes); }
};

/// Owned by one thread; borrows its bytes. Never reads past them, whatever they hold.
class MsgpackReader {
 public:
  explicit MsgpackReader(ByteSpan bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}
  /// False at the end or on malformed bytes; the reader is then at its end.
  bool next(MsgpackToken& token);
  /// Skips one whole value, iteratively. False on malformed bytes.
  bool skip();
  const uint8_t* position() const { return at_; }
  bool at_end() const { return at_ == end_; }

 private:
  bool fail() {
    at_ = end_;
    return false;
  }
  const uint8_t* at_;
  const uint8_t* end_;
};

}  // namespace eventd::engine
