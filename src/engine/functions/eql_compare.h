// How the event query language compares one payload value with another.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "engine/payload/msgpack_reader.h"

namespace eventd::engine {

/// Numbers by value whatever their kind; unordered if one is no number or NaN.
std::partial_ordering eql_compare_numbers(const MsgpackToken& a, const MsgpackToken& b);
/// ASCII case-insensitive for strings, by value for numbers; different kinds are unequal.
bool eql_equal(const MsgpackToken& a, const MsgpackToken& b);
/// The text of a string or binary value (its \x… form, in `buffer`); nullopt for other kinds.
std::optional<std::string_view> eql_text(const MsgpackToken& token, std::string& buffer);
/// The first token of a value; kNil for garbage.
MsgpackToken eql_token(ByteSpan value);

}  // namespace eventd::engine
