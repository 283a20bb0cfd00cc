/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR Apache-2.0 */
/*
 * libkmes: hand events to eventd.
 *
 *   struct kmes *k = kmes_open(NULL, 0);
 *   kmes_emit(k, "app.started", 11, payload, payload_len);   (payload: one msgpack value)
 *   kmes_close(k);
 *
 * Functions that fail return -1 (kmes_open: NULL) and set errno. A handle may be used from several
 * threads at once, but closed only when none uses it. After fork() the child opens its own: the server
 * knows the sender by the process that connected, so the parent's handle fails there with ESTALE.
 * Nothing here raises a signal.
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
 * Connects to the server. `path` NULL: the kernel module's device /dev/kmes where that is present, else
 * the server's socket /run/eventd/event.sock. Another path: that socket, or that device. Blocks for up
 * to 10 s, KMES_NONBLOCK or not.
 *
 *   EINVAL        unknown flag, or a path that is empty or too long for a socket (107 bytes)
 *   EPERM         no right to write to the socket, or to use the device
 *   ENOENT, ECONNREFUSED   no server there
 *   EPROTO        what answers is not an eventd, or not a module, of this version
 *   ETIMEDOUT     the server did not take the connection, or not greet, within 5 s each
 *   EUSERS        the server has no room for another connection
 *   ENOMEM, EMFILE, ENFILE   as always
 */
KMES_API struct kmes *kmes_open(const char *path, unsigned int flags);

/*
 * Emits one event. 0 when the server has it (in its socket: it is not lost unless the server dies).
 * Errors, the first that applies:
 *
 *   EPERM    the device only: no right to emit any more
 *   EAGAIN   over max_emit_rate_per_process (or, last, the server is full and KMES_NONBLOCK set)
 *   EINVAL   type_len 0 or above 65535, or an event of 4 GiB or more
 *   ENOSPC   the event (77 bytes of header, type, payload) is larger than the server takes
 *   EFAULT   a null pointer with a length (the device: any bad address)
 *   EINVAL   type not UTF-8; payload not exactly one well-formed msgpack value, nested too deeply, or
 *            with a string that is not UTF-8
 *   EPIPE, ECONNRESET   the server is gone: close and open again
 *   ESTALE   the handle is of the parent process
 *
 * An event that fails costs nothing of the rate. The server's limits may change while connected; the
 * new ones are used from then on.
 */
KMES_API int kmes_emit(struct kmes *kmes, const void *type, size_t type_len, const void *payload,
		       size_t payload_len);

/*
 * Emits 1 to KMES_EMIT_BATCH_MAX events, which share a timestamp where they share a message (64 kB).
 * Stops at the first that fails, with its error; `*emitted` (may be NULL) is the number emitted.
 * EINVAL for the count and EAGAIN for the rate (all or none: a batch of more events than the rate never
 * passes) come before anything is looked at, and leave `*emitted` alone, as do EPERM and ESTALE.
 */
KMES_API int kmes_emit_batch(struct kmes *kmes, const struct kmes_entry *entries, unsigned int count,
			     unsigned int *emitted);

/* Ends the connection; what was emitted still arrives. NULL is fine. Keeps errno. */
KMES_API void kmes_close(struct kmes *kmes);

#ifdef __cplusplus
}
#endif
#endif
