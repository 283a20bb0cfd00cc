#define _GNU_SOURCE
#include "kmes/libkmes/kmes.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "kernel/uapi/kmes.h"
#include "kmes/event_socket_protocol.h"
#include "kmes/token_bucket.h"
#include "kmes/validate.h"

#define DEVICE_PATH "/dev/kmes"
#define HELLO_TIMEOUT_MS 5000
/* Batches are cut into messages of about this size; a larger event goes alone. */
#define MESSAGE_TARGET (64u << 10)

_Static_assert(KMES_EMIT_BATCH_MAX == KMES_BATCH_MAX, "one limit");

struct kmes {
	int fd;
	unsigned int flags;
	struct kmes_socket_hello limits;
	pthread_mutex_t mutex; /* bucket */
	struct kmes_token_bucket bucket;
};

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int fail(int error)
{
	errno = error;
	return -1;
}

static int is_device(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISCHR(info.st_mode);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const size_t length = strlen(path);
	int error;
	int fd;

	if (length == 0 || length >= sizeof(address.sun_path))
		return fail(EINVAL);
	memcpy(address.sun_path, path, length);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	while (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		if (errno == EINTR)
			continue;
		error = errno == EACCES ? EPERM : errno;
		close(fd);
		return fail(error);
	}
	return fd;
}

static int read_hello(int fd, struct kmes_socket_hello *hello)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	/* One byte more than a hello, so that a longer record is seen to be one. */
	uint8_t message[sizeof(*hello) + 1];
	ssize_t size;
	int events;

	do
		events = poll(&ready, 1, HELLO_TIMEOUT_MS);
	while (events < 0 && errno == EINTR);
	if (events < 0)
		return -1;
	if (events == 0)
		return fail(ETIMEDOUT);
	do
		size = recv(fd, message, sizeof(message), 0);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return errno == ECONNRESET ? fail(EUSERS) : -1;
	if (size == 0)
		return fail(EUSERS); /* closed at once: too many connections */
	return kmes_socket_parse_hello(message, (size_t)size, hello) ? 0 : fail(EPROTO);
}

/* The kernel takes a message only whole, so one must fit the send buffer. */
static void widen_send_buffer(int fd, uint32_t message_size)
{
	int now = 0;
	socklen_t length = sizeof(now);
	const int wanted = (int)message_size + 4096;

	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &now, &length) == 0 && now < wanted)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof(wanted));
}

struct kmes *kmes_open(const char *path, unsigned int flags)
{
	struct kmes *kmes;
	int error;
	int fd;

	if (flags & ~KMES_NONBLOCK) {
		errno = EINVAL;
		return NULL;
	}
	/* The kernel module's device is not supported yet; its place is here. */
	if (path != NULL && is_device(path)) {
		errno = ENOSYS;
		return NULL;
	}
	fd = connect_to(path != NULL ? path : KMES_SOCKET_DEFAULT_PATH);
	if (fd < 0) {
		if (path == NULL && is_device(DEVICE_PATH))
			errno = ENOSYS;
		return NULL;
	}
	kmes = calloc(1, sizeof(*kmes));
	if (kmes == NULL || read_hello(fd, &kmes->limits) != 0) {
		error = kmes == NULL ? ENOMEM : errno;
		close(fd);
		free(kmes);
		errno = error;
		return NULL;
	}
	kmes->fd = fd;
	kmes->flags = flags;
	widen_send_buffer(fd, kmes->limits.max_message_size);
	pthread_mutex_init(&kmes->mutex, NULL);
	kmes_token_bucket_init(&kmes->bucket, kmes->limits.max_emit_rate, monotonic_ns());
	return kmes;
}

void kmes_close(struct kmes *kmes)
{
	const int error = errno;

	if (kmes == NULL)
		return;
	close(kmes->fd);
	pthread_mutex_destroy(&kmes->mutex);
	free(kmes);
	errno = error;
}

/* The checks of one entry after the rate, in the order of the specification. */
static int check_entry(const struct kmes *kmes, const struct kmes_entry *entry)
{
	size_t size;

	if (entry->type_len == 0 || entry->type_len > UINT16_MAX ||
	    __builtin_add_overflow(entry->type_len + KMES_HEADER_FIXED_SIZE, entry->payload_len, &size))
		return EINVAL;
	if (size > kmes->limits.max_event_size)
		return ENOSPC;
	if (entry->type == NULL || (entry->payload == NULL && entry->payload_len != 0))
		return EFAULT;
	if (!kmes_utf8_valid(entry->type, entry->type_len) ||
	    !kmes_msgpack_valid(entry->payload, entry->payload_len, kmes->limits.max_nesting_depth))
		return EINVAL;
	return 0;
}

static size_t frame_size(const struct kmes_entry *entry)
{
	return sizeof(struct kmes_socket_entry) + entry->type_len + entry->payload_len;
}

/* Sends checked entries as one message. 0 or an errno. */
static int send_message(struct kmes *kmes, const struct kmes_entry *entries, unsigned int count)
{
	struct kmes_socket_emit head = {.magic = KMES_SOCKET_EMIT_MAGIC, .count = (uint16_t)count};
	struct kmes_socket_entry frames[KMES_BATCH_MAX];
	struct iovec parts[1 + 3 * KMES_BATCH_MAX];
	struct msghdr message = {.msg_iov = parts};
	size_t used = 0;

	parts[used++] = (struct iovec){&head, sizeof(head)};
	for (unsigned int i = 0; i < count; i++) {
		frames[i] = (struct kmes_socket_entry){
			.payload_len = (uint32_t)entries[i].payload_len,
			.type_len = (uint16_t)entries[i].type_len,
		};
		parts[used++] = (struct iovec){&frames[i], sizeof(frames[i])};
		parts[used++] = (struct iovec){(void *)(uintptr_t)entries[i].type, entries[i].type_len};
		if (entries[i].payload_len != 0)
			parts[used++] = (struct iovec){(void *)(uintptr_t)entries[i].payload,
						       entries[i].payload_len};
	}
	message.msg_iovlen = used;
	while (sendmsg(kmes->fd, &message,
		       MSG_NOSIGNAL | (kmes->flags & KMES_NONBLOCK ? MSG_DONTWAIT : 0)) < 0) {
		if (errno == EINTR)
			continue;
		/* Larger than a socket buffer may be on this machine: net.core.wmem_max. */
		return errno == EMSGSIZE ? ENOSPC : errno;
	}
	return 0;
}

static int reserve_tokens(struct kmes *kmes, unsigned int count)
{
	bool taken;

	if (kmes->limits.max_emit_rate == 0)
		return 0;
	pthread_mutex_lock(&kmes->mutex);
	taken = kmes_token_bucket_take(&kmes->bucket, count, monotonic_ns());
	pthread_mutex_unlock(&kmes->mutex);
	return taken ? 0 : EAGAIN;
}

static void give_back_tokens(struct kmes *kmes, unsigned int count)
{
	if (kmes->limits.max_emit_rate == 0 || count == 0)
		return;
	pthread_mutex_lock(&kmes->mutex);
	kmes_token_bucket_give_back(&kmes->bucket, count);
	pthread_mutex_unlock(&kmes->mutex);
}

int kmes_emit_batch(struct kmes *kmes, const struct kmes_entry *entries, unsigned int count,
		    unsigned int *emitted)
{
	unsigned int sent = 0;    /* entries the socket has */
	unsigned int checked = 0; /* entries found good */
	size_t message_size = sizeof(struct kmes_socket_emit);
	int error = 0;

	if (count == 0 || count > KMES_EMIT_BATCH_MAX)
		return fail(EINVAL);
	error = reserve_tokens(kmes, count);
	if (error != 0)
		return fail(error);
	if (emitted != NULL)
		*emitted = 0;
	if (entries == NULL)
		error = EFAULT;
	while (error == 0 && checked < count) {
		size_t size;

		error = check_entry(kmes, &entries[checked]);
		if (error != 0)
			break;
		size = frame_size(&entries[checked]);
		if (checked > sent && message_size + size > MESSAGE_TARGET) {
			const int failed = send_message(kmes, entries + sent, checked - sent);

			if (failed != 0) {
				error = failed;
				checked = sent;
				break;
			}
			sent = checked;
			message_size = sizeof(struct kmes_socket_emit);
		}
		message_size += size;
		checked++;
	}
	/* The good ones before a bad one are emitted all the same. */
	if (checked > sent) {
		const int failed = send_message(kmes, entries + sent, checked - sent);

		if (failed == 0)
			sent = checked;
		else
			error = failed;
	}
	give_back_tokens(kmes, count - sent);
	if (emitted != NULL)
		*emitted = sent;
	return error == 0 ? 0 : fail(error);
}

int kmes_emit(struct kmes *kmes, const void *type, size_t type_len, const void *payload,
	      size_t payload_len)
{
	const struct kmes_entry entry = {type, type_len, payload, payload_len};

	return kmes_emit_batch(kmes, &entry, 1, NULL);
}
