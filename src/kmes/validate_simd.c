/*
 * Validation with vector instructions, user mode only: the module has no vector registers to spare.
 *
 * UTF-8 after J. Keiser and D. Lemire, "Validating UTF-8 in less than one instruction per byte"
 * (2020): every ill-formed sequence of up to two bytes shows in three nibbles (both of the first byte,
 * the upper of the second). Each nibble looks up the set of mistakes that it allows; what is in all
 * three sets is a mistake, but for a continuation after a continuation, which the bytes two and three
 * places back must ask for.
 */
#include "kmes/validate.h"

#include <string.h>

#include "kmes/validate_walk.h"

static int chosen_level; /* 0: not yet; relaxed, every thread finds the same */

#if defined(__x86_64__)
#include <immintrin.h>

enum mistake {
	TOO_SHORT = 1 << 0,     /* a lead, then no continuation */
	TOO_LONG = 1 << 1,      /* ASCII, then a continuation */
	OVERLONG_3 = 1 << 2,    /* E0 80..9F */
	TOO_LARGE = 1 << 3,     /* F4 90.. and everything above */
	SURROGATE = 1 << 4,     /* ED A0..BF */
	OVERLONG_2 = 1 << 5,    /* C0, C1 */
	OVERLONG_4 = 1 << 6,    /* F0 80..8F; with F5 and above also 80..8F, of which this bit is too */
	CONTINUATIONS = 1 << 7, /* two of them: a mistake unless a lead of three or four is before */
	ANY_LOW = TOO_SHORT | TOO_LONG | CONTINUATIONS, /* the lower nibble says nothing about these */
};

/* By the upper nibble of the first byte. */
#define FIRST_HIGH                                                                                   \
	TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,              \
	(char)CONTINUATIONS, (char)CONTINUATIONS, (char)CONTINUATIONS, (char)CONTINUATIONS,          \
	TOO_SHORT | OVERLONG_2, TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE,                       \
	TOO_SHORT | TOO_LARGE | OVERLONG_4
/* By its lower nibble. */
#define FIRST_LOW                                                                                    \
	(char)(ANY_LOW | OVERLONG_2 | OVERLONG_3 | OVERLONG_4), (char)(ANY_LOW | OVERLONG_2),        \
	(char)ANY_LOW, (char)ANY_LOW, (char)(ANY_LOW | TOO_LARGE),                                   \
	(char)(ANY_LOW | TOO_LARGE | OVERLONG_4), (char)(ANY_LOW | TOO_LARGE | OVERLONG_4),          \
	(char)(ANY_LOW | TOO_LARGE | OVERLONG_4), (char)(ANY_LOW | TOO_LARGE | OVERLONG_4),          \
	(char)(ANY_LOW | TOO_LARGE | OVERLONG_4), (char)(ANY_LOW | TOO_LARGE | OVERLONG_4),          \
	(char)(ANY_LOW | TOO_LARGE | OVERLONG_4), (char)(ANY_LOW | TOO_LARGE | OVERLONG_4),          \
	(char)(ANY_LOW | TOO_LARGE | OVERLONG_4 | SURROGATE),                                        \
	(char)(ANY_LOW | TOO_LARGE | OVERLONG_4), (char)(ANY_LOW | TOO_LARGE | OVERLONG_4)
/* By the upper nibble of the second. */
#define SECOND_HIGH                                                                                  \
	TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,      \
	(char)(TOO_LONG | CONTINUATIONS | OVERLONG_2 | OVERLONG_3 | OVERLONG_4),                     \
	(char)(TOO_LONG | CONTINUATIONS | OVERLONG_2 | OVERLONG_3 | TOO_LARGE),                      \
	(char)(TOO_LONG | CONTINUATIONS | OVERLONG_2 | SURROGATE | TOO_LARGE),                       \
	(char)(TOO_LONG | CONTINUATIONS | OVERLONG_2 | SURROGATE | TOO_LARGE),                       \
	TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT

/* Blocks judged after one that was not ASCII before ASCII is looked for again: in mixed text the
 * question costs more than it saves. */
#define BLOCKS_BETWEEN_LOOKS 8

#define SSE42 __attribute__((target("sse4.2")))
#define AVX2 __attribute__((target("avx2")))

/* Not zero where `block`, which follows `before`, has a mistake. */
SSE42 static inline __m128i mistakes_16(__m128i block, __m128i before)
{
	const __m128i nibble = _mm_set1_epi8(0x0f);
	const __m128i one_back = _mm_alignr_epi8(block, before, 15);
	const __m128i two_back = _mm_alignr_epi8(block, before, 14);
	const __m128i three_back = _mm_alignr_epi8(block, before, 13);
	const __m128i first_high = _mm_shuffle_epi8(_mm_setr_epi8(FIRST_HIGH),
			_mm_and_si128(_mm_srli_epi16(one_back, 4), nibble));
	const __m128i first_low = _mm_shuffle_epi8(_mm_setr_epi8(FIRST_LOW),
						   _mm_and_si128(one_back, nibble));
	const __m128i second_high = _mm_shuffle_epi8(_mm_setr_epi8(SECOND_HIGH),
			_mm_and_si128(_mm_srli_epi16(block, 4), nibble));
	const __m128i pairs = _mm_and_si128(_mm_and_si128(first_high, first_low), second_high);
	/* Bit 7 where the byte must be a third or fourth: CONTINUATIONS. */
	const __m128i wanted = _mm_and_si128(
			_mm_or_si128(_mm_subs_epu8(two_back, _mm_set1_epi8((char)(0xe0 - 0x80))),
				     _mm_subs_epu8(three_back, _mm_set1_epi8((char)(0xf0 - 0x80)))),
			_mm_set1_epi8((char)CONTINUATIONS));

	return _mm_xor_si128(wanted, pairs);
}

SSE42 static bool utf8_valid_sse42(const uint8_t *bytes, size_t size)
{
	const __m128i zero = _mm_setzero_si128();
	__m128i found = zero;
	__m128i before = zero;
	uint8_t rest[16] = {0};
	size_t at = 0;

	while (size - at >= 64) {
		const __m128i *const from = (const __m128i *)(bytes + at);
		const __m128i all = _mm_or_si128(
				_mm_or_si128(_mm_loadu_si128(from), _mm_loadu_si128(from + 1)),
				_mm_or_si128(_mm_loadu_si128(from + 2), _mm_loadu_si128(from + 3)));
		size_t stop;

		if (_mm_movemask_epi8(_mm_or_si128(all, before)) == 0) {
			at += 64;
			continue;
		}
		stop = size - at >= 16 * BLOCKS_BETWEEN_LOOKS ? at + 16 * BLOCKS_BETWEEN_LOOKS : at + 64;
		for (; at < stop; at += 16) {
			const __m128i block = _mm_loadu_si128((const __m128i *)(bytes + at));

			found = _mm_or_si128(found, mistakes_16(block, before));
			before = block;
		}
		if (!_mm_testz_si128(found, found))
			return false;
	}
	for (; size - at >= 16; at += 16) {
		const __m128i block = _mm_loadu_si128((const __m128i *)(bytes + at));

		found = _mm_or_si128(found, mistakes_16(block, before));
		before = block;
	}
	/* Zeros after the end are ASCII: what is not finished before them is too short. */
	memcpy(rest, bytes + at, size - at);
	found = _mm_or_si128(found, mistakes_16(_mm_loadu_si128((const __m128i *)rest), before));
	return _mm_testz_si128(found, found);
}

AVX2 static inline __m256i mistakes_32(__m256i block, __m256i before)
{
	const __m256i nibble = _mm256_set1_epi8(0x0f);
	const __m256i across = _mm256_permute2x128_si256(before, block, 0x21);
	const __m256i one_back = _mm256_alignr_epi8(block, across, 15);
	const __m256i two_back = _mm256_alignr_epi8(block, across, 14);
	const __m256i three_back = _mm256_alignr_epi8(block, across, 13);
	const __m256i first_high = _mm256_shuffle_epi8(_mm256_setr_epi8(FIRST_HIGH, FIRST_HIGH),
			_mm256_and_si256(_mm256_srli_epi16(one_back, 4), nibble));
	const __m256i first_low = _mm256_shuffle_epi8(_mm256_setr_epi8(FIRST_LOW, FIRST_LOW),
						      _mm256_and_si256(one_back, nibble));
	const __m256i second_high = _mm256_shuffle_epi8(_mm256_setr_epi8(SECOND_HIGH, SECOND_HIGH),
			_mm256_and_si256(_mm256_srli_epi16(block, 4), nibble));
	const __m256i pairs = _mm256_and_si256(_mm256_and_si256(first_high, first_low), second_high);
	const __m256i wanted = _mm256_and_si256(
			_mm256_or_si256(
				_mm256_subs_epu8(two_back, _mm256_set1_epi8((char)(0xe0 - 0x80))),
				_mm256_subs_epu8(three_back, _mm256_set1_epi8((char)(0xf0 - 0x80)))),
			_mm256_set1_epi8((char)CONTINUATIONS));

	return _mm256_xor_si256(wanted, pairs);
}

AVX2 static bool utf8_valid_avx2(const uint8_t *bytes, size_t size)
{
	const __m256i zero = _mm256_setzero_si256();
	__m256i found = zero;
	__m256i before = zero;
	uint8_t rest[32] = {0};
	size_t at = 0;

	while (size - at >= 128) {
		const __m256i *const from = (const __m256i *)(bytes + at);
		const __m256i all = _mm256_or_si256(
				_mm256_or_si256(_mm256_loadu_si256(from), _mm256_loadu_si256(from + 1)),
				_mm256_or_si256(_mm256_loadu_si256(from + 2), _mm256_loadu_si256(from + 3)));
		size_t stop;

		if (_mm256_movemask_epi8(_mm256_or_si256(all, before)) == 0) {
			at += 128;
			continue;
		}
		stop = size - at >= 32 * BLOCKS_BETWEEN_LOOKS ? at + 32 * BLOCKS_BETWEEN_LOOKS : at + 128;
		for (; at < stop; at += 32) {
			const __m256i block = _mm256_loadu_si256((const __m256i *)(bytes + at));

			found = _mm256_or_si256(found, mistakes_32(block, before));
			before = block;
		}
		if (!_mm256_testz_si256(found, found))
			return false;
	}
	for (; size - at >= 32; at += 32) {
		const __m256i block = _mm256_loadu_si256((const __m256i *)(bytes + at));

		found = _mm256_or_si256(found, mistakes_32(block, before));
		before = block;
	}
	memcpy(rest, bytes + at, size - at);
	found = _mm256_or_si256(found, mistakes_32(_mm256_loadu_si256((const __m256i *)rest), before));
	return _mm256_testz_si256(found, found);
}

static enum kmes_vector_level best_level(void)
{
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2"))
		return KMES_VECTOR_AVX2;
	if (__builtin_cpu_supports("sse4.2"))
		return KMES_VECTOR_SSE42;
	return KMES_VECTOR_NONE;
}

static inline uint64_t high_bits_16(const uint8_t *from)
{
	return (uint64_t)_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)from));
}

/* kmes_short_ascii_fn: a look at 16 or 32 bytes, near the end of the value at the last 32 of it. SSE2,
 * which every x86-64 has. */
static inline bool short_ascii_sse2(const uint8_t *begin, const uint8_t *end, const uint8_t *at,
				    size_t size)
{
	uint64_t high;

	if (end - at >= 32) {
		high = high_bits_16(at);
		if (size > 16)
			high |= high_bits_16(at + 16) << 16;
	} else {
		if (end - begin < 32 || size > (size_t)(end - at))
			return false;
		high = high_bits_16(end - 32) | high_bits_16(end - 16) << 16;
		high >>= 32 - (end - at);
	}
	return (high & ((1ull << size) - 1)) == 0;
}

/* A string of the walk that is not both short and ASCII. */
static bool string_valid(const uint8_t *bytes, size_t size)
{
	__m128i all;

	if (size < 16)
		return kmes_utf8_valid_scalar(bytes, size);
	if (size <= 64) {
		/* The middle is seen twice. */
		all = _mm_or_si128(_mm_loadu_si128((const __m128i *)bytes),
				   _mm_loadu_si128((const __m128i *)(bytes + size - 16)));
		if (size > 32)
			all = _mm_or_si128(all,
				_mm_or_si128(_mm_loadu_si128((const __m128i *)(bytes + 16)),
					     _mm_loadu_si128((const __m128i *)(bytes + size - 32))));
		if (_mm_movemask_epi8(all) == 0)
			return true;
	}
	return kmes_utf8_valid(bytes, size);
}

#else

static enum kmes_vector_level best_level(void)
{
	return KMES_VECTOR_NONE;
}

#endif

enum kmes_vector_level kmes_vector_level(void)
{
	int level = __atomic_load_n(&chosen_level, __ATOMIC_RELAXED);

	if (level == 0) {
		level = best_level();
		__atomic_store_n(&chosen_level, level, __ATOMIC_RELAXED);
	}
	return (enum kmes_vector_level)level;
}

bool kmes_set_vector_level(enum kmes_vector_level level)
{
	if (level < KMES_VECTOR_NONE || level > best_level())
		return false;
	__atomic_store_n(&chosen_level, (int)level, __ATOMIC_RELAXED);
	return true;
}

bool kmes_utf8_valid(const uint8_t *bytes, size_t size)
{
#if defined(__x86_64__)
	/* Below a block's length there is nothing to win. */
	if (size >= 16) {
		switch (kmes_vector_level()) {
		case KMES_VECTOR_AVX2:
			return size >= 32 ? utf8_valid_avx2(bytes, size) : utf8_valid_sse42(bytes, size);
		case KMES_VECTOR_SSE42:
			return utf8_valid_sse42(bytes, size);
		case KMES_VECTOR_NONE:
			break;
		}
	}
#endif
	return kmes_utf8_valid_scalar(bytes, size);
}

bool kmes_msgpack_valid(const uint8_t *bytes, size_t size, unsigned int max_nesting)
{
#if defined(__x86_64__)
	if (kmes_vector_level() != KMES_VECTOR_NONE)
		return kmes_walk_msgpack(bytes, size, max_nesting, short_ascii_sse2, string_valid);
#endif
	return kmes_msgpack_valid_scalar(bytes, size, max_nesting);
}
