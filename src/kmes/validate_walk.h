/*
 * The walk over a msgpack value, once for the scalar and the vector implementation: they differ in how
 * they look at strings. Included by validate.c and validate_simd.c only.
 */
#ifndef EVENTD_KMES_VALIDATE_WALK_H
#define EVENTD_KMES_VALIDATE_WALK_H

#include "kmes/validate.h"

/* True when the `size` <= 31 bytes at `at` end before `end` and are ASCII; false says nothing. `begin` is
 * where reading may begin. */
typedef bool kmes_short_ascii_fn(const uint8_t *begin, const uint8_t *end, const uint8_t *at,
				 size_t size);
typedef bool kmes_utf8_fn(const uint8_t *bytes, size_t size);

static inline uint32_t kmes_load_be16(const uint8_t *from)
{
	return (uint32_t)from[0] << 8 | from[1];
}

static inline uint32_t kmes_load_be32(const uint8_t *from)
{
	return kmes_load_be16(from) << 16 | kmes_load_be16(from + 2);
}

/*
 * Format bytes: https://github.com/msgpack/msgpack/blob/master/spec.md. Both functions are constants
 * at every call, so that they become part of the loop.
 */
static inline __attribute__((always_inline)) bool
kmes_walk_msgpack(const uint8_t *bytes, size_t size, unsigned int max_nesting,
		  kmes_short_ascii_fn *short_ascii, kmes_utf8_fn *utf8_valid)
{
	/* Values still to come in each container around the innermost; its own are in `left`. */
	uint32_t outer[KMES_NESTING_MAX];
	unsigned int depth = 0;
	uint32_t left = 1;
	const uint8_t *at = bytes;
	const uint8_t *const end = bytes + size;

	if (size > UINT32_MAX)
		return false;
	if (max_nesting > KMES_NESTING_MAX)
		max_nesting = KMES_NESTING_MAX;

	for (;;) {
		size_t count;  /* bytes or values that the format byte announces */
		size_t prefix; /* width of the count */
		uint8_t lead;

		while (left == 0) {
			if (depth == 0)
				return at == end;
			left = outer[--depth];
		}
		if (at == end)
			return false;
		left--;
		lead = *at++;

		if ((lead & 0xe0) == 0xa0) { /* fixstr: most keys and many values */
			count = lead & 0x1f;
			if (!short_ascii(bytes, end, at, count) &&
			    (count > (size_t)(end - at) || !utf8_valid(at, count)))
				return false;
			at += count;
			continue;
		}
		if (lead < 0x80 || lead >= 0xe0) /* fixint */
			continue;
		if (lead < 0xa0) { /* fixmap, fixarray */
			count = (size_t)(lead & 0x0f) << (lead < 0x90);
			goto container;
		}

		switch (lead) {
		case 0xc0: /* nil, false, true */
		case 0xc2:
		case 0xc3:
			continue;
		case 0xc1: /* never used */
			return false;

		case 0xcc: /* int 8 */
		case 0xd0:
			count = 1;
			goto skip;
		case 0xcd: /* int 16; fixext 1 */
		case 0xd1:
		case 0xd4:
			count = 2;
			goto skip;
		case 0xca: /* float 32, int 32 */
		case 0xce:
		case 0xd2:
			count = 4;
			goto skip;
		case 0xcb: /* float 64, int 64 */
		case 0xcf:
		case 0xd3:
			count = 8;
			goto skip;
		case 0xd5: /* fixext 2, 4, 8, 16: a type and so many bytes */
			count = 3;
			goto skip;
		case 0xd6:
			count = 5;
			goto skip;
		case 0xd7:
			count = 9;
			goto skip;
		case 0xd8:
			count = 17;
			goto skip;

		case 0xc4: /* bin 8; ext 8, whose type is not counted */
		case 0xc7:
		case 0xd9: /* str 8 */
			prefix = 1;
			break;
		case 0xc5: /* bin 16, ext 16, str 16 */
		case 0xc8:
		case 0xda:
		case 0xdc: /* array 16, map 16 */
		case 0xde:
			prefix = 2;
			break;
		default: /* bin 32, ext 32, str 32, array 32, map 32 */
			prefix = 4;
			break;
		}

		if (prefix > (size_t)(end - at))
			return false;
		count = prefix == 1 ? *at : prefix == 2 ? kmes_load_be16(at) : kmes_load_be32(at);
		at += prefix;
		if (lead >= 0xdc) {
			count <<= (lead >= 0xde);
			goto container;
		}
		if (lead >= 0xd9) {
			if (count > (size_t)(end - at) || !utf8_valid(at, count))
				return false;
			at += count;
			continue;
		}
		count += (lead >= 0xc7);
	skip:
		if (count > (size_t)(end - at))
			return false;
		at += count;
		continue;

	container:
		/* An empty container nests as well. A value takes a byte at least. */
		if (depth == max_nesting || count > (size_t)(end - at))
			return false;
		outer[depth++] = left;
		left = (uint32_t)count;
	}
}

#endif
