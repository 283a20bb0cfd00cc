#include "kmes/event_socket_protocol.h"

#include <string.h>

#include "kernel/uapi/kmes.h"

bool kmes_socket_parse_hello(const void *message, size_t size, struct kmes_socket_hello *hello)
{
	if (size != sizeof(*hello))
		return false;
	memcpy(hello, message, sizeof(*hello));
	return memcmp(hello->magic, KMES_SOCKET_MAGIC, sizeof(hello->magic)) == 0 &&
	       hello->version == KMES_SOCKET_VERSION &&
	       hello->max_event_size > KMES_HEADER_FIXED_SIZE &&
	       hello->max_message_size > sizeof(struct kmes_socket_emit) + sizeof(struct kmes_socket_entry) &&
	       hello->max_message_size <= KMES_SOCKET_MESSAGE_MAX;
}

int kmes_socket_parse_emit(const void *message, size_t size, struct kmes_socket_event *events)
{
	const uint8_t *at = (const uint8_t *)message;
	size_t left = size;
	struct kmes_socket_emit head;

	if (left < sizeof(head))
		return -1;
	memcpy(&head, at, sizeof(head));
	at += sizeof(head);
	left -= sizeof(head);
	if (head.magic != KMES_SOCKET_EMIT_MAGIC || head.count == 0 || head.count > KMES_BATCH_MAX)
		return -1;
	for (unsigned int i = 0; i < head.count; i++) {
		struct kmes_socket_entry entry;

		if (left < sizeof(entry))
			return -1;
		memcpy(&entry, at, sizeof(entry));
		at += sizeof(entry);
		left -= sizeof(entry);
		if (entry.reserved != 0 || entry.type_len == 0 || entry.type_len > left ||
		    entry.payload_len > left - entry.type_len)
			return -1;
		events[i].type = at;
		events[i].type_len = entry.type_len;
		events[i].payload = at + entry.type_len;
		events[i].payload_len = entry.payload_len;
		at += (size_t)entry.type_len + entry.payload_len;
		left -= (size_t)entry.type_len + entry.payload_len;
	}
	return left == 0 ? (int)head.count : -1;
}
