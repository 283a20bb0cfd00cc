#include "kmes/libkmes/kmes.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "kernel/uapi/kmes_ioctl.h"
#include "kmes/libkmes/kmes_handle.h"

_Static_assert(KMES_EMIT_BATCH_MAX == KMES_BATCH_MAX, "one limit");

/* fork()s between the first process that opened a handle and this one. */
static unsigned int fork_count;

int kmes_fail(int error)
{
	errno = error;
	return -1;
}

static void note_fork(void)
{
	/* The child has one thread. */
	fork_count++;
}

static void watch_forks(void)
{
	/* Fails without memory only; a handle then stays usable in a child, under its parent's name. */
	(void)pthread_atfork(NULL, NULL, note_fork);
}

static int open_link(struct kmes *kmes, const char *path)
{
	if (path != NULL) {
		if (kmes_is_device(path))
			return kmes_device_open(kmes, path);
		return kmes_socket_open(kmes, path);
	}
	if (kmes_is_device(KMES_DEVICE_PATH)) {
		if (kmes_device_open(kmes, KMES_DEVICE_PATH) == 0)
			return 0;
		/* A node whose module is not loaded is no device. */
		if (errno != ENXIO && errno != ENODEV && errno != ENOENT)
			return -1;
	}
	return kmes_socket_open(kmes, KMES_SOCKET_DEFAULT_PATH);
}

struct kmes *kmes_open(const char *path, unsigned int flags)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct kmes *kmes;

	if (flags & ~KMES_NONBLOCK) {
		errno = EINVAL;
		return NULL;
	}
	pthread_once(&once, watch_forks);
	kmes = calloc(1, sizeof(*kmes));
	if (kmes == NULL)
		return NULL; /* ENOMEM */
	kmes->flags = flags;
	kmes->forks = fork_count;
	pthread_mutex_init(&kmes->mutex, NULL);
	if (open_link(kmes, path) != 0) {
		const int error = errno;

		pthread_mutex_destroy(&kmes->mutex);
		free(kmes);
		errno = error;
		return NULL;
	}
	return kmes;
}

void kmes_close(struct kmes *kmes)
{
	const int error = errno;

	if (kmes == NULL)
		return;
	close(kmes->fd);
	/* In a child another thread of the parent may hold it for ever. */
	if (kmes->forks == fork_count)
		pthread_mutex_destroy(&kmes->mutex);
	free(kmes);
	errno = error;
}

int kmes_emit_batch(struct kmes *kmes, const struct kmes_entry *entries, unsigned int count,
		    unsigned int *emitted)
{
	if (kmes->is_device)
		return kmes_device_emit(kmes, entries, count, emitted);
	/* The server would take it for the parent's. */
	if (kmes->forks != fork_count)
		return kmes_fail(ESTALE);
	return kmes_socket_emit(kmes, entries, count, emitted);
}

int kmes_emit(struct kmes *kmes, const void *type, size_t type_len, const void *payload,
	      size_t payload_len)
{
	const struct kmes_entry entry = {type, type_len, payload, payload_len};

	return kmes_emit_batch(kmes, &entry, 1, NULL);
}
