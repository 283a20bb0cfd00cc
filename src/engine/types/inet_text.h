// Text forms of inet, cidr, macaddr and macaddr8 over PostgreSQL's binary forms
// (family 2/3, prefix bits, is_cidr, address length, address; macaddr: 6 bytes; macaddr8: 8).
#pragma once

#include <string>
#include <string_view>

#include "engine/types/type.h"
#include "result.h"

namespace eventd::engine {

namespace oid {
inline constexpr Oid kMacaddr8 = 774;
}  // namespace oid

/// Binary form of an inet / cidr. 22P02 `invalid input syntax for type inet: "x"`, `invalid cidr value`.
Result<std::string> parse_inet(std::string_view text, bool cidr);
/// As inet_out / cidr_out: an inet shows its prefix length only when it is not the whole address.
void append_inet(std::string_view binary, bool cidr, std::string& out);

Result<std::string> parse_macaddr(std::string_view text);
/// Six bytes are widened with ff:fe in the middle.
Result<std::string> parse_macaddr8(std::string_view text);
/// Both kinds.
void append_macaddr(std::string_view binary, std::string& out);

}  // namespace eventd::engine
