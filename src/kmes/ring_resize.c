#include "kmes/ring_resize.h"

#include "kmes/ring_atomics.h"

uint64_t kmes_ring_suffix(const struct kmes_ring_writer *writer, uint64_t capacity)
{
	const uint64_t mask = writer->capacity - 1;
	const uint64_t end = writer->frontier;
	uint64_t from = writer->tail;
	uint32_t event_size;

	if (capacity >= writer->capacity)
		return from;
	for (uint64_t at = from; at != end; at += event_size) {
		kmes_racing_copy(&event_size, writer->data + (at & mask), sizeof(event_size));
		/* Only we write the data; should it be damaged all the same, nothing more is known. */
		if (event_size < KMES_HEADER_FIXED_SIZE || event_size > end - at)
			return end;
		if (end - at > capacity || event_size > capacity / 2)
			from = at + event_size;
	}
	return from;
}

uint64_t kmes_ring_move(struct kmes_ring_writer *writer, struct kmes_producer_page *producer,
			uint8_t *data)
{
	const uint64_t from = kmes_ring_suffix(writer, producer->capacity);
	const uint64_t size = writer->frontier - from;

	kmes_racing_copy(data, writer->data + (from & (writer->capacity - 1)), size);
	kmes_store_release(&producer->generation,
			   kmes_load_acquire(&writer->producer->generation) + 1);
	kmes_store_release(&producer->tail_pos, 0);
	writer->producer = producer;
	writer->data = data;
	writer->capacity = producer->capacity;
	writer->tail = 0;
	writer->frontier = size;
	kmes_ring_publish(writer);
	return from;
}

void kmes_ring_retire(struct kmes_producer_page *producer)
{
	/* release; pairs with the acquire in RingReader::generation_changed(): who sees it sees the
	 * last write_pos as well */
	kmes_store_release(&producer->generation, kmes_load_acquire(&producer->generation) + 1);
}
