/*
 * The producer side of one ring (spec kmes.md §3), pure C: compiled into the server, the tests and
 * later the kernel module. No allocation, no lock, no clock: the caller holds the ring and brings the
 * time. Every function is called by one thread at a time.
 */
#ifndef EVENTD_KMES_RING_WRITER_H
#define EVENTD_KMES_RING_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/uapi/kmes.h"

#ifdef __cplusplus
extern "C" {
#endif

struct kmes_ring_writer {
	struct kmes_producer_page *producer;
	uint8_t *data;       /* 2 x capacity, the second half an alias of the first */
	uint64_t capacity;
	uint64_t frontier;   /* where the next event goes; ahead of write_pos while a batch is unpublished */
	uint64_t published;  /* = producer->write_pos */
	uint64_t tail;       /* = producer->tail_pos */
	uint64_t sequence;   /* last one spent */
	uint64_t timestamp_ns; /* of the current batch */
	uint64_t emitted;
	uint64_t dropped;    /* too large or without a type: sequence spent, nothing written */
	uint8_t header[KMES_HEADER_FIXED_SIZE]; /* template: cpu and stamp stay from event to event */
};

/* Takes over an empty or a used ring. */
void kmes_ring_writer_init(struct kmes_ring_writer *writer, struct kmes_producer_page *producer,
			   uint8_t *data);

/* Fills what the events of a batch share. GUIDs: 16 bytes each. */
void kmes_ring_stamp(struct kmes_ring_writer *writer, uint64_t timestamp_ns, uint8_t origin_class,
		     const uint8_t *effective_token_guid, const uint8_t *true_token_guid,
		     const uint8_t *process_guid);

/* Size of the event on the ring; 0 when it can never be one (no type, overflow, > capacity / 2). */
uint64_t kmes_ring_event_size(const struct kmes_ring_writer *writer, size_t type_len,
			      size_t payload_len);

/* True when `size` bytes fit without overwriting anything from `keep_from` on. */
static inline bool kmes_ring_has_room(const struct kmes_ring_writer *writer, uint64_t size,
				      uint64_t keep_from)
{
	return writer->frontier + size - keep_from <= writer->capacity;
}

/*
 * Spends a sequence and writes one event at the frontier, moving the tail over the oldest ones when
 * there is no room. Readers see it after kmes_ring_publish(). False when it was dropped.
 */
bool kmes_ring_write(struct kmes_ring_writer *writer, const void *type, size_t type_len,
		     const void *payload, size_t payload_len);

/* Makes everything written visible. The caller then runs a full barrier and looks at need_wake. */
void kmes_ring_publish(struct kmes_ring_writer *writer);

#ifdef __cplusplus
}
#endif
#endif
