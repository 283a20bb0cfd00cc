/* Emission through the server's socket. Everything is checked here first, by the server's own code, so
 * that an error is known at once. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "kmes/emit_check.h"
#include "kmes/libkmes/kmes_handle.h"

#define HELLO_TIMEOUT_MS 5000
/* Batches are cut into messages of about this size; a larger event goes alone. */
#define MESSAGE_TARGET (64u << 10)
/* How often new limits are looked for while nothing is refused. */
#define LOOK_INTERVAL_NS 100000000u

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = HELLO_TIMEOUT_MS / 1000};
	const size_t length = strlen(path);
	int error = 0;
	int fd;

	if (length == 0 || length >= sizeof(address.sun_path))
		return kmes_fail(EINVAL);
	memcpy(address.sun_path, path, length);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	/* Also of connect(), which waits for a place in the server's queue; sending has no time limit. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	while (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		if (errno == EINTR)
			continue;
		error = errno == EACCES ? EPERM : errno == EAGAIN ? ETIMEDOUT : errno;
		close(fd);
		return kmes_fail(error);
	}
	patience.tv_sec = 0;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return fd;
}

/* The kernel takes a message only whole, so one must fit the send buffer. */
static void widen_send_buffer(int fd, uint32_t message_size)
{
	int now = 0;
	socklen_t length = sizeof(now);
	const int wanted = (int)message_size + 4096;

	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &now, &length) != 0 || now >= wanted)
		return;
	/* net.core.wmem_max binds only those without CAP_NET_ADMIN. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &wanted, sizeof(wanted)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof(wanted));
}

/* 1 = a hello was read, 0 = there is none, -1 and errno. */
static int read_hello(int fd, int flags, struct kmes_socket_hello *hello)
{
	/* One byte more than a hello, so that a longer record is seen to be one. */
	uint8_t message[sizeof(*hello) + 1];
	ssize_t size;

	do
		size = recv(fd, message, sizeof(message), flags);
	while (size < 0 && errno == EINTR);
	if (size < 0 && errno == EAGAIN)
		return 0;
	if (size <= 0) /* closed at once: too many connections */
		return size == 0 || errno == ECONNRESET ? kmes_fail(EUSERS) : -1;
	return kmes_socket_parse_hello(message, (size_t)size, hello) ? 1 : kmes_fail(EPROTO);
}

static int wait_for_hello(int fd, struct kmes_socket_hello *hello)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	int events;

	do
		events = poll(&ready, 1, HELLO_TIMEOUT_MS);
	while (events < 0 && errno == EINTR);
	if (events < 0)
		return -1;
	if (events == 0)
		return kmes_fail(ETIMEDOUT);
	return read_hello(fd, 0, hello) == 1 ? 0 : -1;
}

int kmes_socket_open(struct kmes *kmes, const char *path)
{
	const int fd = connect_to(path);

	if (fd < 0)
		return -1;
	if (wait_for_hello(fd, &kmes->limits) != 0) {
		const int error = errno;

		close(fd);
		return kmes_fail(error);
	}
	kmes->fd = fd;
	widen_send_buffer(fd, kmes->limits.max_message_size);
	kmes_token_bucket_init(&kmes->bucket, kmes->limits.max_emit_rate, monotonic_ns());
	return 0;
}

/* Takes over what the server told since. True when there was something. REQUIRES: mutex. */
static bool look_for_limits(struct kmes *kmes, uint64_t now_ns)
{
	struct kmes_socket_hello hello;
	bool found = false;

	kmes->look_ns = now_ns + LOOK_INTERVAL_NS;
	/* A server that is gone is found out by sending. */
	while (read_hello(kmes->fd, MSG_DONTWAIT, &hello) == 1) {
		kmes->limits = hello;
		found = true;
	}
	if (found) {
		kmes_token_bucket_set_rate(&kmes->bucket, kmes->limits.max_emit_rate, now_ns);
		widen_send_buffer(kmes->fd, kmes->limits.max_message_size);
	}
	return found;
}

/* What one call of emission goes by. */
struct emission {
	struct kmes_emit_limits limits;
	uint16_t limits_version;
};

static void take_limits(const struct kmes *kmes, struct emission *emission)
{
	emission->limits.max_event_size = kmes->limits.max_event_size;
	emission->limits.max_nesting_depth = kmes->limits.max_nesting_depth;
	emission->limits_version = kmes->limits.limits_version;
}

static int begin(struct kmes *kmes, unsigned int count, struct emission *emission)
{
	const uint64_t now_ns = monotonic_ns();
	int error;

	pthread_mutex_lock(&kmes->mutex);
	if (now_ns >= kmes->look_ns)
		(void)look_for_limits(kmes, now_ns);
	/* Who may connect may emit. A rate of 0 is none. */
	error = kmes_emit_begin(true, &kmes->bucket, count, now_ns);
	if (error == EAGAIN && look_for_limits(kmes, now_ns))
		error = kmes_emit_begin(true, &kmes->bucket, count, now_ns);
	take_limits(kmes, emission);
	pthread_mutex_unlock(&kmes->mutex);
	return error;
}

static void end(struct kmes *kmes, unsigned int count, unsigned int emitted)
{
	if (emitted == count)
		return;
	pthread_mutex_lock(&kmes->mutex);
	kmes_emit_end(&kmes->bucket, count, emitted);
	pthread_mutex_unlock(&kmes->mutex);
}

/* True when there are newer limits than the ones the call began with. */
static bool have_new_limits(struct kmes *kmes, struct emission *emission)
{
	const uint16_t version = emission->limits_version;

	pthread_mutex_lock(&kmes->mutex);
	(void)look_for_limits(kmes, monotonic_ns());
	take_limits(kmes, emission);
	pthread_mutex_unlock(&kmes->mutex);
	return emission->limits_version != version;
}

static int check_entry(const struct kmes_emit_limits *limits, const struct kmes_entry *entry)
{
	const int error = kmes_emit_check_size(limits, entry->type_len, entry->payload_len);

	if (error != 0)
		return error;
	/* A wild address is found by the processor; the one that can be known is refused. */
	if (entry->type == NULL || (entry->payload == NULL && entry->payload_len != 0))
		return EFAULT;
	return kmes_emit_check_content(limits, entry->type, (uint32_t)entry->type_len,
				       entry->payload, (uint32_t)entry->payload_len);
}

static size_t frame_size(const struct kmes_entry *entry)
{
	return sizeof(struct kmes_socket_entry) + entry->type_len + entry->payload_len;
}

/* Sends checked entries as one message, without copying them. 0 or an errno. */
static int send_message(const struct kmes *kmes, uint16_t limits_version,
			const struct kmes_entry *entries, unsigned int count)
{
	const struct kmes_socket_emit head = {
		.magic = KMES_SOCKET_EMIT_MAGIC,
		.count = (uint16_t)count,
		.limits_version = limits_version,
	};
	struct kmes_socket_entry frames[KMES_BATCH_MAX];
	struct iovec parts[1 + 3 * KMES_BATCH_MAX];
	struct msghdr message = {.msg_iov = parts};
	size_t used = 0;

	parts[used++] = (struct iovec){(void *)(uintptr_t)&head, sizeof(head)};
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

int kmes_socket_emit(struct kmes *kmes, const struct kmes_entry *entries, unsigned int count,
		     unsigned int *emitted)
{
	struct emission emission;
	unsigned int sent = 0;    /* entries the socket has */
	unsigned int checked = 0; /* entries found good */
	size_t message_size = sizeof(struct kmes_socket_emit);
	int error = begin(kmes, count, &emission);

	if (error != 0)
		return kmes_fail(error);
	if (emitted != NULL)
		*emitted = 0;
	if (entries == NULL)
		error = EFAULT;
	while (error == 0 && checked < count) {
		size_t size;

		error = check_entry(&emission.limits, &entries[checked]);
		if ((error == ENOSPC || error == EINVAL) && have_new_limits(kmes, &emission)) {
			/* A message goes by one set of limits: what is not sent yet is checked again. */
			checked = sent;
			message_size = sizeof(struct kmes_socket_emit);
			error = 0;
			continue;
		}
		if (error != 0)
			break;
		size = frame_size(&entries[checked]);
		if (checked > sent && message_size + size > MESSAGE_TARGET) {
			error = send_message(kmes, emission.limits_version, entries + sent, checked - sent);
			if (error != 0) {
				checked = sent; /* not once more below */
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
		const int failed = send_message(kmes, emission.limits_version, entries + sent, checked - sent);

		if (failed == 0)
			sent = checked;
		else
			error = failed;
	}
	end(kmes, count, sent);
	if (emitted != NULL)
		*emitted = sent;
	return error == 0 ? 0 : kmes_fail(error);
}
