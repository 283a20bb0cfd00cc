/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR Apache-2.0 */
/*
 * libkmes: hand events to eventd.
 *
 *   struct kmes *k = kmes_open(NULL, 0);
 *   kmes_emit(k, "app.started", 11, payload, payload_len);   // payload: one msgpack value
 *   kmes_close(k);
 *
 * Functions that fail return -1 (kmes_open: NULL) and set errno. A handle may be used from several
 * threads at once; after fork() the child must open its own (the server knows the sender by the
 * process that connected).
 */
#ifndef KMES_H
#define KMES_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KMES_API __attribute__((visibility("default")))

/* kmes_open(): emitting never blocks; a full server is EAGAIN. */
#define KMES_NONBLOCK 1u

/* Most entries of one kmes_emit_batch(). */
#define KMES_EMIT_BATCH_MAX 256u

struct kmes;

struct kmes_entry {
	const void *type; /* UTF-8, not terminated */
	size_t type_len;  /* 1 .. 65535 */
	const void *payload; /* exactly one msgpack value */
	size_t payload_len;
};

/*
 * Connects to the server's event socket. `path` NULL: the default, /run/eventd/event.sock.
 *
 *   EINVAL        unknown flag, or a path too long for a socket
 *   EPERM         no right to write to the socket
 *   ENOENT, ECONNREFUSED   no server there
 *   ENOSYS        only the device /dev/kmes is there (or was asked for): not supported by this version
 *   EPROTO        what answers is not an eventd of this version
 *   ETIMEDOUT     the server did not greet within 5 s
 *   EUSERS        the server has no room for another connection
 */
KMES_API struct kmes *kmes_open(const char *path, unsigned int flags);

/*
 * Emits one event. 0 when the server has it (in its socket: it is not lost unless the server dies).
 * Errors, the first that applies:
 *
 *   EAGAIN   over max_emit_rate_per_process (or, last, the server is full and KMES_NONBLOCK set)
 *   EINVAL   type_len 0 or above 65535, or a size overflow
 *   ENOSPC   the event (77 bytes of header, type, payload) is larger than the server takes
 *   EFAULT   a null pointer with a length
 *   EINVAL   type not UTF-8; payload not exactly one well-formed msgpack value, nested too deeply, or
 *            with a string that is not UTF-8
 *   EPIPE, ECONNRESET   the server is gone: close and open again
 *
 * An event that fails costs nothing of the rate.
 */
KMES_API int kmes_emit(struct kmes *kmes, const void *type, size_t type_len, const void *payload,
		       size_t payload_len);

/*
 * Emits 1 to KMES_EMIT_BATCH_MAX events, which share a timestamp where they share a message (64 kB).
 * Stops at the first that fails, with its error; `*emitted` (may be NULL) is the number emitted.
 * EINVAL for the count and EAGAIN for the rate (all or none) come before anything is looked at.
 */
KMES_API int kmes_emit_batch(struct kmes *kmes, const struct kmes_entry *entries, unsigned int count,
			     unsigned int *emitted);

/* Ends the connection; what was emitted still arrives. NULL is fine. Keeps errno. */
KMES_API void kmes_close(struct kmes *kmes);

#ifdef __cplusplus
}
#endif
#endif
