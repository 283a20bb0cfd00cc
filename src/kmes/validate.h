/*
 * Validation of what emitters hand over: UTF-8 types and msgpack payloads. Pure C, iterative, no
 * allocation, and no byte outside [bytes, bytes + size) is read. Rules: spec kmes.md §6.
 *
 * Two implementations that agree on every input: the scalar one (validate.c), which is all that the
 * kernel module compiles, and in user mode one that takes the vector instructions the processor has
 * (validate_simd.c).
 */
#ifndef EVENTD_KMES_VALIDATE_H
#define EVENTD_KMES_VALIDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Largest nesting any caller may allow; bounds the validator's own stack. */
#define KMES_NESTING_MAX 256

bool kmes_utf8_valid_scalar(const uint8_t *bytes, size_t size);
bool kmes_msgpack_valid_scalar(const uint8_t *bytes, size_t size, unsigned int max_nesting);

#ifdef __KERNEL__
#define kmes_utf8_valid kmes_utf8_valid_scalar
#define kmes_msgpack_valid kmes_msgpack_valid_scalar
#else
/* True when `bytes` is well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). */
bool kmes_utf8_valid(const uint8_t *bytes, size_t size);

/*
 * True when `bytes` is exactly one well-formed msgpack value: nesting of arrays and maps at most
 * `max_nesting` (<= KMES_NESTING_MAX), strings valid UTF-8 (keys too), no 0xc1, no bytes left over.
 */
bool kmes_msgpack_valid(const uint8_t *bytes, size_t size, unsigned int max_nesting);

/* What kmes_utf8_valid() and kmes_msgpack_valid() use; the best there is until told otherwise. */
enum kmes_vector_level {
	KMES_VECTOR_NONE = 1, /* as the scalar functions */
	KMES_VECTOR_SSE42,
	KMES_VECTOR_AVX2,
};
enum kmes_vector_level kmes_vector_level(void);
/* For tests and measurements. False, and nothing changed, when the processor does not have it. */
bool kmes_set_vector_level(enum kmes_vector_level level);
#endif

#ifdef __cplusplus
}
#endif
#endif
