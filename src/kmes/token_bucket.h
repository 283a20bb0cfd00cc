/*
 * Rate limit of one process (spec kmes.md §6): refill a second = burst = rate. Pure C, no lock and no
 * clock: compiled into the server, libkmes and later the kernel module. Callers serialise.
 */
#ifndef EVENTD_KMES_TOKEN_BUCKET_H
#define EVENTD_KMES_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct kmes_token_bucket {
	uint64_t credit;   /* 1 token = 1e9, so that a nanosecond's refill is `rate` */
	uint64_t last_ns;  /* of the last refill */
	uint32_t rate;     /* tokens a second; 0 = no limit */
};

/* Full at first. `now_ns`: a clock that never steps back, as in all calls. */
void kmes_token_bucket_init(struct kmes_token_bucket *bucket, uint32_t rate, uint64_t now_ns);
/* Lowering the rate clamps what is left. */
void kmes_token_bucket_set_rate(struct kmes_token_bucket *bucket, uint32_t rate, uint64_t now_ns);
/* All or nothing. */
bool kmes_token_bucket_take(struct kmes_token_bucket *bucket, uint32_t count, uint64_t now_ns);
/* Tokens reserved but not used. */
void kmes_token_bucket_give_back(struct kmes_token_bucket *bucket, uint32_t count);
/* Whole tokens there are; UINT32_MAX without a limit. */
uint32_t kmes_token_bucket_available(struct kmes_token_bucket *bucket, uint64_t now_ns);

#ifdef __cplusplus
}
#endif
#endif
