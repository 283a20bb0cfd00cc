/*
 * Validation of what emitters hand over: UTF-8 types and msgpack payloads. Pure C, iterative, no
 * allocation: compiled into the server, libkmes, the fuzzers and later the kernel module.
 * Rules: spec kmes.md §6.
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

/* True when `bytes` is well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). */
bool kmes_utf8_valid(const uint8_t *bytes, size_t size);

/*
 * True when `bytes` is exactly one well-formed msgpack value: nesting of arrays and maps at most
 * `max_nesting` (<= KMES_NESTING_MAX), strings valid UTF-8, no 0xc1, no bytes left over.
 */
bool kmes_msgpack_valid(const uint8_t *bytes, size_t size, unsigned int max_nesting);

#ifdef __cplusplus
}
#endif
#endif
