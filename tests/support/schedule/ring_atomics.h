/* Stands in for src/kmes/ring_atomics.h: the same functions on simulated memory. */
#ifndef EVENTD_TESTS_SCHEDULE_RING_ATOMICS_H
#define EVENTD_TESTS_SCHEDULE_RING_ATOMICS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

uint64_t kmes_load_acquire(const uint64_t *from);
uint32_t kmes_load_acquire_u32(const uint32_t *from);
uint8_t kmes_load_relaxed_u8(const uint8_t *from);
void kmes_store_release(uint64_t *to, uint64_t value);
void kmes_store_relaxed_u8(uint8_t *to, uint8_t value);
void kmes_increment_release_u32(uint32_t *to);
void kmes_store_barrier(void);
void kmes_load_barrier(void);
void kmes_full_barrier(void);
void kmes_full_barrier_after_atomic(void);
/* Into or out of a simulated ring, in pieces. */
void kmes_racing_copy(void *to, const void *from, size_t size);

#ifdef __cplusplus
}
#endif
#endif
