/*
 * What a `struct kmes` is, and the two ways of an event: the server's socket and the module's device.
 * Private to libkmes.
 */
#ifndef EVENTD_KMES_HANDLE_H
#define EVENTD_KMES_HANDLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "kmes/event_socket_protocol.h"
#include "kmes/libkmes/kmes.h"
#include "kmes/token_bucket.h"

struct kmes {
	int fd;             /* constant, as the next three */
	unsigned int flags;
	bool is_device;
	unsigned int forks; /* kmes_fork_count() at kmes_open() */

	/* Socket only. */
	pthread_mutex_t mutex;               /* guards what follows */
	struct kmes_socket_hello limits;     /* the last the server told */
	struct kmes_token_bucket bucket;
	uint64_t look_ns;                    /* when to look for new limits again */
};

/* Sets errno and returns -1. */
int kmes_fail(int error);

/*
 * Connects, and waits for the server's hello: fills fd, limits and bucket. 0, or -1 and errno
 * (kmes_open()'s, see kmes.h); nothing is left open then.
 */
int kmes_socket_open(struct kmes *kmes, const char *path);
int kmes_socket_emit(struct kmes *kmes, const struct kmes_entry *entries, unsigned int count,
		     unsigned int *emitted);

/* True when `path` is a character device. */
bool kmes_is_device(const char *path);
/* Opens the device and asks for its version: fills fd. 0, or -1 and errno. */
int kmes_device_open(struct kmes *kmes, const char *path);
int kmes_device_emit(struct kmes *kmes, const struct kmes_entry *entries, unsigned int count,
		     unsigned int *emitted);

#endif
