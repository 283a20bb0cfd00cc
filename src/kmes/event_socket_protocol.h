/*
 * The messages on `event_socket` (Unix SOCK_SEQPACKET), read by both sides: libkmes and EventSocket.
 * Little-endian, packed. Pure C.
 *
 *   server -> client, on connect, and    hello (struct kmes_socket_hello)
 *   again when the limits change:
 *   client -> server, each a batch:      struct kmes_socket_emit, then `count` entries, each
 *                                        struct kmes_socket_entry, type, payload; nothing after them
 *
 * Nothing is answered: libkmes checks with the same rules before it sends, a full server is felt as
 * a blocking send, and who the sender is comes from the kernel.
 */
#ifndef EVENTD_KMES_EVENT_SOCKET_PROTOCOL_H
#define EVENTD_KMES_EVENT_SOCKET_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kmes/emit_check.h" /* KMES_BATCH_MAX */

#ifdef __cplusplus
extern "C" {
#endif

#define KMES_SOCKET_MAGIC "KMESSOCK"
#define KMES_SOCKET_VERSION 1
#define KMES_SOCKET_DEFAULT_PATH "/run/eventd/event.sock"
#define KMES_SOCKET_EMIT_MAGIC 0x54494d45u /* "EMIT" */
/* What the server takes in one message, whatever the hello says (4 MB events and their frame). */
#define KMES_SOCKET_MESSAGE_MAX ((4u << 20) + (64u << 10) + 1024u)

struct kmes_socket_hello {
	uint8_t magic[8];
	uint32_t version;
	uint32_t max_event_size;    /* header + payload */
	uint32_t max_nesting_depth;
	uint32_t max_emit_rate;     /* events a second and burst, of this process; 0 = no limit */
	uint32_t max_message_size;
	uint16_t limits_version;    /* of these limits; not zero */
	uint16_t reserved;          /* zero */
};

struct kmes_socket_emit {
	uint32_t magic;
	uint16_t count; /* 1 .. KMES_BATCH_MAX */
	uint16_t limits_version; /* that the sender checked with; 0 = the server's own now */
};

struct kmes_socket_entry {
	uint32_t payload_len;
	uint16_t type_len; /* not zero */
	uint16_t reserved; /* zero */
};

/* One entry as found in a message; points into it. */
struct kmes_socket_event {
	const uint8_t *type;
	const uint8_t *payload;
	uint32_t payload_len;
	uint16_t type_len;
};

/* True for a hello of this version with usable limits; copies it out. */
bool kmes_socket_parse_hello(const void *message, size_t size, struct kmes_socket_hello *hello);

/*
 * Takes a message apart. Returns the number of events, all lengths within the message, or -1 when it
 * is malformed. `events` has room for KMES_BATCH_MAX.
 */
int kmes_socket_parse_emit(const void *message, size_t size, struct kmes_socket_event *events);

#ifdef __cplusplus
}
#endif
#endif
