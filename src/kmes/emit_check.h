/*
 * The checks of emission in their order (spec kmes.md §6), one place for libkmes, the server and later
 * the kernel module. Pure C: no lock, no clock, no copying; the caller brings those:
 *
 *   kmes_emit_begin()               EPERM, EINVAL (count), EAGAIN (rate); reserves the tokens
 *   (batch: `emitted` = 0 is written)
 *   for each entry, up to the first error:
 *     kmes_emit_check_size()        EINVAL (type_len 0, overflow), ENOSPC
 *     (copy it in)                  EFAULT
 *     kmes_emit_check_content()     EINVAL
 *     (write it)
 *   kmes_emit_end()                 gives back the tokens of what was not written
 *
 * Functions that check return 0 or an errno, positive.
 */
#ifndef EVENTD_KMES_EMIT_CHECK_H
#define EVENTD_KMES_EMIT_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "kmes/token_bucket.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Most entries of one batch. */
#define KMES_BATCH_MAX 256

struct kmes_emit_limits {
	uint32_t max_event_size;    /* header + payload, and at most half of a ring */
	uint32_t max_nesting_depth; /* <= KMES_NESTING_MAX */
};

/*
 * `permitted`: the emitter has the right. `bucket`: of its process, locked; NULL = exempt from the rate.
 * After an error nothing is reserved and kmes_emit_end() not to be called.
 */
int kmes_emit_begin(bool permitted, struct kmes_token_bucket *bucket, uint32_t count, uint64_t now_ns);

/* `emitted` of the `count` entries were written. `bucket` as above. */
void kmes_emit_end(struct kmes_token_bucket *bucket, uint32_t count, uint32_t emitted);

/* An event's size is 32 bits wide: what exceeds that overflows. */
int kmes_emit_check_size(const struct kmes_emit_limits *limits, uint64_t type_len,
			 uint64_t payload_len);

/* REQUIRES: kmes_emit_check_size() returned 0, and the bytes don't change any more. */
int kmes_emit_check_content(const struct kmes_emit_limits *limits, const uint8_t *type,
			    uint32_t type_len, const uint8_t *payload, uint32_t payload_len);

#ifdef __cplusplus
}
#endif
#endif
