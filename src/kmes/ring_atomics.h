/*
 * The atomic accesses of the ring protocol under one name each, for C that is compiled into the
 * server and later into the kernel module (which maps them to its own primitives).
 */
#ifndef EVENTD_KMES_RING_ATOMICS_H
#define EVENTD_KMES_RING_ATOMICS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef EVENTD_SCHEDULED_ATOMICS
/* The schedule tests bring functions of the same names that run on a simulated memory. Whatever
 * touches memory shared by both sides of a ring goes through this header for their sake. */
#include EVENTD_SCHEDULED_ATOMICS
#else

static inline uint64_t kmes_load_acquire(const uint64_t *from)
{
	return __atomic_load_n(from, __ATOMIC_ACQUIRE);
}

static inline void kmes_store_release(uint64_t *to, uint64_t value)
{
	__atomic_store_n(to, value, __ATOMIC_RELEASE);
}

static inline uint32_t kmes_load_acquire_u32(const uint32_t *from)
{
	return __atomic_load_n(from, __ATOMIC_ACQUIRE);
}

static inline void kmes_increment_release_u32(uint32_t *to)
{
	__atomic_fetch_add(to, 1, __ATOMIC_RELEASE);
}

/* need_wake: ordered by the full barriers around it, not by itself. */
static inline uint8_t kmes_load_relaxed_u8(const uint8_t *from)
{
	return __atomic_load_n(from, __ATOMIC_RELAXED);
}

static inline void kmes_store_relaxed_u8(uint8_t *to, uint8_t value)
{
	__atomic_store_n(to, value, __ATOMIC_RELAXED);
}

/* ThreadSanitizer does not model fences (and GCC says so); the data they order is copied below
 * without its instrumentation, so nothing is reported falsely. */
#pragma GCC diagnostic push
#if defined(__SANITIZE_THREAD__)
#pragma GCC diagnostic ignored "-Wtsan"
#endif

/* Stores before it are visible before stores after it. */
static inline void kmes_store_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

/* Loads before it are done before loads after it. */
static inline void kmes_load_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

static inline void kmes_full_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* A full barrier right after a sequentially consistent read-modify-write, which on x86 is one. */
static inline void kmes_full_barrier_after_atomic(void)
{
#if defined(__x86_64__)
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

#pragma GCC diagnostic pop

/*
 * Copies bytes that the other side may be writing at the same time. The reader finds out afterwards
 * (torn read) and throws the copy away, which no C memory model covers; hence hidden from
 * ThreadSanitizer.
 */
#if defined(__SANITIZE_THREAD__)
__attribute__((no_sanitize("thread"), noinline, unused)) static void
kmes_racing_copy(void *to, const void *from, size_t size)
{
	volatile uint8_t *out = (volatile uint8_t *)to;
	const volatile uint8_t *in = (const volatile uint8_t *)from;

	for (size_t i = 0; i < size; i++)
		out[i] = in[i];
}
#else
static inline void kmes_racing_copy(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
}
#endif

#endif /* EVENTD_SCHEDULED_ATOMICS */
#endif
