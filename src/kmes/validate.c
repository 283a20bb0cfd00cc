#include "kmes/validate.h"

#include <string.h>

#define HIGH_BITS 0x8080808080808080ull

/* Well-formed UTF-8 as in table 3-7 of the Unicode Standard. */
bool kmes_utf8_valid(const uint8_t *bytes, size_t size)
{
	size_t at = 0;

	while (at < size) {
		const uint8_t lead = bytes[at];
		size_t length;
		uint8_t low = 0x80;
		uint8_t high = 0xbf;

		if (lead < 0x80) {
			/* Mostly ASCII: eight bytes at a time. */
			uint64_t word;

			at++;
			while (size - at >= sizeof(word)) {
				memcpy(&word, bytes + at, sizeof(word));
				if (word & HIGH_BITS)
					break;
				at += sizeof(word);
			}
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

/*
 * True when the `size` bytes are ASCII, as keys and names are; a string of up to eight costs one load
 * when `readable` bytes (>= size) may be read. False says nothing.
 */
static inline bool short_ascii(const uint8_t *bytes, size_t size, size_t readable)
{
	uint64_t word;

	if (size == 0)
		return true;
	if (size > sizeof(word) || readable < sizeof(word))
		return false;
	memcpy(&word, bytes, sizeof(word));
	/* Little-endian: the string is the low bytes. */
	return (word << (64 - 8 * size) & HIGH_BITS) == 0;
}

static inline uint32_t load_be(const uint8_t *from, size_t size)
{
	uint32_t value = 0;

	for (size_t i = 0; i < size; i++)
		value = value << 8 | from[i];
	return value;
}

enum family { SCALAR, STR, BLOB, ARRAY, MAP };

/*
 * The format bytes 0xc0 … 0xdf: `size` bytes follow the format byte, a fixed value or (for STR, BLOB,
 * ARRAY, MAP) a big-endian count; BLOB's count is of further bytes, `extra` of them not counted (the
 * type of an ext).
 */
static const struct format {
	uint8_t family;
	uint8_t size;
	uint8_t extra;
} formats[32] = {
	[0x00] = {SCALAR, 0, 0},                                             /* nil */
	[0x01] = {SCALAR, 0xff, 0},                                          /* never used */
	[0x02] = {SCALAR, 0, 0}, [0x03] = {SCALAR, 0, 0},                    /* false, true */
	[0x04] = {BLOB, 1, 0}, [0x05] = {BLOB, 2, 0}, [0x06] = {BLOB, 4, 0}, /* bin */
	[0x07] = {BLOB, 1, 1}, [0x08] = {BLOB, 2, 1}, [0x09] = {BLOB, 4, 1}, /* ext */
	[0x0a] = {SCALAR, 4, 0}, [0x0b] = {SCALAR, 8, 0},                    /* float */
	[0x0c] = {SCALAR, 1, 0}, [0x0d] = {SCALAR, 2, 0}, [0x0e] = {SCALAR, 4, 0},
	[0x0f] = {SCALAR, 8, 0},                                             /* uint */
	[0x10] = {SCALAR, 1, 0}, [0x11] = {SCALAR, 2, 0}, [0x12] = {SCALAR, 4, 0},
	[0x13] = {SCALAR, 8, 0},                                             /* int */
	[0x14] = {SCALAR, 2, 0}, [0x15] = {SCALAR, 3, 0}, [0x16] = {SCALAR, 5, 0},
	[0x17] = {SCALAR, 9, 0}, [0x18] = {SCALAR, 17, 0},                   /* fixext */
	[0x19] = {STR, 1, 0}, [0x1a] = {STR, 2, 0}, [0x1b] = {STR, 4, 0},
	[0x1c] = {ARRAY, 2, 0}, [0x1d] = {ARRAY, 4, 0},
	[0x1e] = {MAP, 2, 0}, [0x1f] = {MAP, 4, 0},
};

bool kmes_msgpack_valid(const uint8_t *bytes, size_t size, unsigned int max_nesting)
{
	/* Values still expected in each open container; a count never exceeds the bytes left. */
	uint32_t expected[KMES_NESTING_MAX];
	unsigned int depth = 0;
	size_t at = 0;

	if (size > UINT32_MAX)
		return false;
	if (max_nesting > KMES_NESTING_MAX)
		max_nesting = KMES_NESTING_MAX;
	for (;;) {
		enum family family = SCALAR;
		uint64_t count = 0;
		uint8_t lead;

		if (at == size)
			return false;
		lead = bytes[at++];
		if (lead < 0x80 || lead >= 0xe0) {
			; /* fixint */
		} else if (lead < 0x90) {
			family = MAP;
			count = lead & 0x0f;
		} else if (lead < 0xa0) {
			family = ARRAY;
			count = lead & 0x0f;
		} else if (lead < 0xc0) {
			family = STR;
			count = lead & 0x1f;
		} else {
			const struct format *format = &formats[lead - 0xc0];

			if (size - at < format->size) /* also 0xc1, unless so many bytes follow */
				return false;
			if (lead == 0xc1)
				return false;
			family = (enum family)format->family;
			if (family != SCALAR)
				count = (uint64_t)load_be(bytes + at, format->size) + format->extra;
			at += format->size;
		}

		switch (family) {
		case SCALAR:
			break;
		case STR:
			if (count > size - at)
				return false;
			if (!short_ascii(bytes + at, count, size - at) &&
			    !kmes_utf8_valid(bytes + at, count))
				return false;
			at += count;
			break;
		case BLOB:
			if (count > size - at)
				return false;
			at += count;
			break;
		case MAP:
			count *= 2;
			/* fall through */
		case ARRAY:
			/* A value takes a byte at least. An empty container nests as well. */
			if (depth == max_nesting || count > size - at)
				return false;
			if (count != 0) {
				expected[depth++] = (uint32_t)count;
				continue;
			}
			break;
		}

		/* A value is complete, and with it perhaps the containers it ends. */
		while (depth != 0 && --expected[depth - 1] == 0)
			depth--;
		if (depth == 0)
			return at == size;
	}
}
