#include "kmes/validate.h"

#include <string.h>

#include "kmes/validate_walk.h"

#define HIGH_BITS 0x8080808080808080ull

static inline uint64_t load_word(const uint8_t *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof(word));
	return word;
}

/* The first byte at or after `at` that is not ASCII, or one with less than a word after it. */
static inline size_t skip_ascii(const uint8_t *bytes, size_t at, size_t size)
{
	uint64_t high = 0;

	/* Mixed text has short runs: the wide steps begin when one has lasted. */
	for (unsigned int words = 0; size - at >= 8; words++) {
		high = load_word(bytes + at) & HIGH_BITS;
		if (high != 0)
			/* Little-endian: the lowest bit set is in the first such byte. */
			return at + (size_t)__builtin_ctzll(high) / 8;
		at += 8;
		while (words >= 3 && size - at >= 32) {
			high = (load_word(bytes + at) | load_word(bytes + at + 8) |
				load_word(bytes + at + 16) | load_word(bytes + at + 24)) & HIGH_BITS;
			if (high != 0)
				break;
			at += 32;
		}
	}
	return at;
}

/* Well-formed UTF-8 as in table 3-7 of the Unicode Standard. */
bool kmes_utf8_valid_scalar(const uint8_t *bytes, size_t size)
{
	size_t at = skip_ascii(bytes, 0, size);

	while (at < size) {
		const uint8_t lead = bytes[at];
		size_t length;
		uint8_t low = 0x80;
		uint8_t high = 0xbf;

		if (lead < 0x80) {
			at = skip_ascii(bytes, at + 1, size);
			continue;
		}
		if (lead >= 0xc2 && lead <= 0xdf) {
			length = 2;
		} else if ((lead & 0xf0) == 0xe0) {
			length = 3;
			if (lead == 0xe0)
				low = 0xa0; /* overlong */
			else if (lead == 0xed)
				high = 0x9f; /* surrogates */
		} else if (lead >= 0xf0 && lead <= 0xf4) {
			length = 4;
			if (lead == 0xf0)
				low = 0x90; /* overlong */
			else if (lead == 0xf4)
				high = 0x8f; /* above U+10FFFF */
		} else {
			return false;
		}
		if (size - at < length || bytes[at + 1] < low || bytes[at + 1] > high)
			return false;
		for (size_t i = 2; i < length; i++)
			if ((bytes[at + i] & 0xc0) != 0x80)
				return false;
		at += length;
	}
	return true;
}

/* kmes_short_ascii_fn by words: those of a longer string overlap. */
static inline bool short_ascii_scalar(const uint8_t *begin, const uint8_t *end, const uint8_t *at,
				      size_t size)
{
	(void)begin;
	if (size <= 8) {
		if (size == 0 || end - at < 8)
			return size == 0;
		/* Little-endian: the string is the low bytes. */
		return (load_word(at) << (64 - 8 * size) & HIGH_BITS) == 0;
	}
	if (size > (size_t)(end - at))
		return false;
	if (size <= 16)
		return ((load_word(at) | load_word(at + size - 8)) & HIGH_BITS) == 0;
	return ((load_word(at) | load_word(at + 8) | load_word(at + size - 16) |
		 load_word(at + size - 8)) & HIGH_BITS) == 0;
}

bool kmes_msgpack_valid_scalar(const uint8_t *bytes, size_t size, unsigned int max_nesting)
{
	return kmes_walk_msgpack(bytes, size, max_nesting, short_ascii_scalar, kmes_utf8_valid_scalar);
}
