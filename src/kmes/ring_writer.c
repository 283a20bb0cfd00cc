#include "kmes/ring_writer.h"

#include "kmes/ring_atomics.h"

/*
 * One field of a header on the ring. Stored straight there: filling the template first and copying it
 * would read back what was just stored in other widths, which stalls. The byte order is the machine's,
 * which every build checks to be little-endian.
 */
#define STORE_FIELD(header, offset, value) \
	kmes_racing_copy((header) + (offset), &(value), sizeof(value))

#define CACHE_LINE 64
#define PREFETCH_LINES 5

void kmes_ring_writer_init(struct kmes_ring_writer *writer, struct kmes_producer_page *producer,
			   uint8_t *data)
{
	memset(writer, 0, sizeof(*writer));
	writer->producer = producer;
	writer->data = data;
	writer->capacity = producer->capacity;
	writer->published = kmes_load_acquire(&producer->write_pos);
	writer->frontier = writer->published;
	writer->tail = kmes_load_acquire(&producer->tail_pos);
	memcpy(writer->header + KMES_CPU_ID_OFFSET, &producer->cpu_id, sizeof(producer->cpu_id));
}

void kmes_ring_stamp(struct kmes_ring_writer *writer, uint64_t timestamp_ns, uint8_t origin_class,
		     const uint8_t *effective_token_guid, const uint8_t *true_token_guid,
		     const uint8_t *process_guid)
{
	uint8_t *header = writer->header;

	writer->timestamp_ns = timestamp_ns;
	/* Mostly the same emitter as before: then the template is only read. */
	if (header[KMES_ORIGIN_CLASS_OFFSET] == origin_class &&
	    memcmp(header + KMES_EFFECTIVE_TOKEN_OFFSET, effective_token_guid, KMES_GUID_SIZE) == 0 &&
	    memcmp(header + KMES_TRUE_TOKEN_OFFSET, true_token_guid, KMES_GUID_SIZE) == 0 &&
	    memcmp(header + KMES_PROCESS_OFFSET, process_guid, KMES_GUID_SIZE) == 0)
		return;
	header[KMES_ORIGIN_CLASS_OFFSET] = origin_class;
	memcpy(header + KMES_EFFECTIVE_TOKEN_OFFSET, effective_token_guid, KMES_GUID_SIZE);
	memcpy(header + KMES_TRUE_TOKEN_OFFSET, true_token_guid, KMES_GUID_SIZE);
	memcpy(header + KMES_PROCESS_OFFSET, process_guid, KMES_GUID_SIZE);
}

uint64_t kmes_ring_event_size(const struct kmes_ring_writer *writer, size_t type_len,
			      size_t payload_len)
{
	uint64_t size;

	if (type_len == 0 || type_len > UINT16_MAX || payload_len > KMES_CAPACITY_MAX)
		return 0;
	size = (uint64_t)KMES_HEADER_FIXED_SIZE + type_len + payload_len;
	return size <= writer->capacity / 2 ? size : 0;
}

/* Moves the tail until `size` bytes fit at the frontier. */
static void make_room(struct kmes_ring_writer *writer, uint64_t size)
{
	const uint64_t mask = writer->capacity - 1;
	uint64_t tail = writer->tail;

	if (writer->frontier + size - tail <= writer->capacity)
		return;
	do {
		uint32_t event_size;

		/* The tail is about to run into the batch's own unpublished events: they must be
		 * published first, because readers take write_pos >= tail_pos for granted. */
		if (tail == writer->published)
			kmes_ring_publish(writer);
		kmes_racing_copy(&event_size, writer->data + (tail & mask), sizeof(event_size));
		/* Only we write the data; should it be damaged all the same, give up what is old. */
		if (event_size < KMES_HEADER_FIXED_SIZE || event_size > writer->published - tail)
			tail = writer->published;
		else
			tail += event_size;
	} while (writer->frontier + size - tail > writer->capacity);
	writer->tail = tail;
	/* release; pairs with the acquire loads of tail_pos in RingReader */
	kmes_store_release(&writer->producer->tail_pos, tail);
	/* The new tail is visible before any byte behind it changes; pairs with the load barrier
	 * between RingReader's copy and its second look at tail_pos. */
	kmes_store_barrier();
}

bool kmes_ring_write(struct kmes_ring_writer *writer, const void *type, size_t type_len,
		     const void *payload, size_t payload_len)
{
	const uint64_t size = kmes_ring_event_size(writer, type_len, payload_len);
	const uint32_t event_size = (uint32_t)size;
	const uint32_t header_size = (uint32_t)(KMES_HEADER_FIXED_SIZE + type_len);
	const uint16_t type_size = (uint16_t)type_len;
	uint8_t *to;

	writer->sequence++;
	if (size == 0) {
		writer->dropped++;
		return false;
	}
	make_room(writer, size);
	to = writer->data + (writer->frontier & (writer->capacity - 1));
	kmes_racing_copy(to, writer->header, KMES_HEADER_FIXED_SIZE);
	STORE_FIELD(to, KMES_EVENT_SIZE_OFFSET, event_size);
	STORE_FIELD(to, KMES_HEADER_SIZE_OFFSET, header_size);
	STORE_FIELD(to, KMES_TIMESTAMP_OFFSET, writer->timestamp_ns);
	STORE_FIELD(to, KMES_SEQUENCE_OFFSET, writer->sequence);
	STORE_FIELD(to, KMES_TYPE_LEN_OFFSET, type_size);
	kmes_racing_copy(to + KMES_HEADER_FIXED_SIZE, type, type_len);
	if (payload_len != 0)
		kmes_racing_copy(to + KMES_HEADER_FIXED_SIZE + type_len, payload, payload_len);
	writer->frontier += size;
	writer->emitted++;
	/* Where the next event goes, and, on a full ring, the sizes that the tail is moved over. */
	to += size;
	for (unsigned int line = 0; line < PREFETCH_LINES; line++)
		__builtin_prefetch(to + line * CACHE_LINE, 1);
	return true;
}

void kmes_ring_publish(struct kmes_ring_writer *writer)
{
	writer->published = writer->frontier;
	/* release; pairs with the acquire load of write_pos in RingReader::next() */
	kmes_store_release(&writer->producer->write_pos, writer->frontier);
}
