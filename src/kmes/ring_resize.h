/*
 * Moving a ring into memory of another size (spec kmes.md §5), pure C like ring_writer.h: the caller
 * brings the new memory and holds the ring.
 */
#ifndef EVENTD_KMES_RING_RESIZE_H
#define EVENTD_KMES_RING_RESIZE_H

#include "kmes/ring_writer.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Where the newest run of events begins that a ring of `capacity` bytes can hold: together no longer
 * than it, none of them longer than half of it. A position in the writer's ring; its frontier when
 * there is none. REQUIRES: everything written is published.
 */
uint64_t kmes_ring_suffix(const struct kmes_ring_writer *writer, uint64_t capacity);

/*
 * Copies that run to position 0 of a new, empty ring, whose page has its static fields already, and
 * goes on writing there; generation = old + 1, the sequence continues. The old ring is left as it is,
 * for those still reading it: kmes_ring_retire() tells them. Returns where the run began.
 */
uint64_t kmes_ring_move(struct kmes_ring_writer *writer, struct kmes_producer_page *producer,
			uint8_t *data);

/* The last change to a ring that was moved: its readers see that there is another one. */
void kmes_ring_retire(struct kmes_producer_page *producer);

#ifdef __cplusplus
}
#endif
#endif
