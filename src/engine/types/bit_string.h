// bit and bit varying. A value lies in a vector as its text of '0' and '1': the order of those bytes
// is PostgreSQL's order of bit strings.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/types/type.h"
#include "result.h"

namespace eventd::engine {

namespace oid {
inline constexpr Oid kBit = 1560, kBitArray = 1561, kVarbit = 1562, kVarbitArray = 1563;
}
inline constexpr int32_t kBitLengthMax = 83'886'080;
/// ERRCODE_STRING_DATA_LENGTH_MISMATCH
inline constexpr SqlState kBitLengthMismatch{"22026"};

inline bool is_bit_string(Oid type) { return type == oid::kBit || type == oid::kVarbit; }

/// '101', 'b101' or 'x1F' as a value of `type`. 22P02; 22026 and 22001 for another length than the
/// modifier says.
Result<std::string> parse_bit_string(const Type& type, std::string_view text);
/// PostgreSQL's binary form: int32 bits, then bytes from the highest bit on.
void append_bit_string_binary(std::string_view bits, std::string& out);
/// 22P03.
Result<std::string> bit_string_from_binary(const Type& type, std::string_view bytes);

/// The 22026 and 22001 of a length that does not fit the modifier; OK where there is none.
Status check_bit_length(const Type& type, size_t bits);

}  // namespace eventd::engine
