// Canonical jsonb text of a msgpack value, and jsonb's order, equality and containment.
//
// As PostgreSQL: keys by length then bytes, the last duplicate wins, ", " and ": " between, numbers as
// numeric text. What JSON lacks: bin is the string "\x…" (hex), a non-decimal ext "\x…" of its bytes
// after its type byte, NaN and infinities the strings "NaN", "Infinity", "-Infinity", non-string keys
// their text; inside strings a byte that is no valid UTF-8 prints as \udcXX (U+DC80…DCFF, lone
// surrogates, as Python's surrogateescape) and U+0000 as \u0000.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "bytes.h"

namespace eventd::engine {

/// Appends the canonical text. Garbage prints as far as it reads, then null. (All functions here stop
/// early, with any result, when is_interrupted().)
void append_jsonb_text(ByteSpan value, std::string& out);
/// jsonb_pretty().
void append_jsonb_pretty(ByteSpan value, std::string& out);
/// Appends `text` as a JSON string literal with PostgreSQL's escapes.
void append_json_string(std::string_view text, std::string& out);
/// The text of a scalar as #>> and ->> give it: strings raw, others as append_jsonb_text.
/// False for nil.
bool append_jsonb_scalar_text(ByteSpan value, std::string& out);

/// The text of a map key: strings raw, other scalars as append_jsonb_text would quote them.
void append_map_key_text(ByteSpan key, std::string& out);

/// PostgreSQL's btree order of jsonb.
std::strong_ordering compare_jsonb(ByteSpan a, ByteSpan b);
/// Equal jsonb (numbers by value, keys in any order) hash equal.
uint64_t hash_jsonb(ByteSpan value);
/// a @> b.
bool jsonb_contains(ByteSpan a, ByteSpan b);

}  // namespace eventd::engine
