/* Emission through /dev/kmes: the module checks, and knows the caller itself. */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/uapi/kmes_ioctl.h"
#include "kmes/libkmes/kmes_handle.h"

bool kmes_is_device(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISCHR(info.st_mode);
}

int kmes_device_open(struct kmes *kmes, const char *path)
{
	struct kmes_info info = {0};
	int error;
	const int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return errno == EACCES ? kmes_fail(EPERM) : -1;
	if (ioctl(fd, KMES_INFO, &info) == 0 && info.version == KMES_VERSION) {
		kmes->fd = fd;
		kmes->is_device = true;
		return 0;
	}
	/* Another device knows no such call; another version answers otherwise. */
	error = info.version == 0 && errno == EPERM ? EPERM : EPROTO;
	close(fd);
	return kmes_fail(error);
}

/* Lengths beyond the fields' become type_len 0, which has the same error at the same place. */
static struct kmes_emit_entry to_call(const struct kmes_entry *entry)
{
	const bool fits = entry->type_len <= UINT16_MAX && entry->payload_len <= UINT32_MAX;

	return (struct kmes_emit_entry){
		.type = (uintptr_t)entry->type,
		.type_len = fits ? (uint16_t)entry->type_len : 0,
		.payload = (uintptr_t)entry->payload,
		.payload_len = fits ? (uint32_t)entry->payload_len : 0,
	};
}

int kmes_device_emit(struct kmes *kmes, const struct kmes_entry *entries, unsigned int count,
		     unsigned int *emitted)
{
	struct kmes_emit_entry calls[KMES_BATCH_MAX];
	struct kmes_emit_batch_args args = {
		.entries = (uintptr_t)calls,
		.count = count,
		.emitted = UINT32_MAX, /* untouched */
	};
	int result;

	if (entries == NULL || count > KMES_BATCH_MAX) {
		args.entries = 0; /* to be refused: by its count, or as no address */
	} else {
		for (unsigned int i = 0; i < count; i++)
			calls[i] = to_call(&entries[i]);
	}
	if (count == 1 && entries != NULL && emitted == NULL)
		return ioctl(kmes->fd, KMES_EMIT, &calls[0]) == 0 ? 0 : -1;
	result = ioctl(kmes->fd, KMES_EMIT_BATCH, &args);
	if (emitted != NULL && args.emitted != UINT32_MAX)
		*emitted = args.emitted;
	return result == 0 ? 0 : -1;
}
