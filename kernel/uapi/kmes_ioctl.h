/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR Apache-2.0 */
/*
 * KMES: the calls of /dev/kmes. Little-endian; pads are zero.
 */
#ifndef _UAPI_KMES_IOCTL_H
#define _UAPI_KMES_IOCTL_H

#include <linux/ioctl.h>

#include "kernel/uapi/kmes.h"

#define KMES_DEVICE_PATH "/dev/kmes"

/* One event: 32 bytes. Pointers as integers, the same for 32-bit callers. */
struct kmes_emit_entry {
	__kmes_u64 type;
	__kmes_u16 type_len;
	__kmes_u16 pad0;
	__kmes_u32 pad1;
	__kmes_u64 payload;
	__kmes_u32 payload_len;
	__kmes_u32 pad2;
};

struct kmes_emit_batch_args {
	__kmes_u64 entries; /* struct kmes_emit_entry[count] */
	__kmes_u32 count;   /* 1 .. 256 */
	__kmes_u32 emitted; /* out: entries written; untouched when nothing was looked at */
};

struct kmes_info {
	__kmes_u32 version; /* KMES_VERSION */
	__kmes_u32 ring_count;
	__kmes_u64 capacity; /* bytes, of the rings now */
	__kmes_u32 max_event_size;
	__kmes_u32 max_nesting_depth;
	__kmes_u32 max_emit_rate_per_process;
	__kmes_u32 pad;
	__kmes_u8 epoch[16]; /* random per load */
};

#define KMES_IOCTL_MAGIC 0xee
#define KMES_EMIT _IOW(KMES_IOCTL_MAGIC, 0, struct kmes_emit_entry)
#define KMES_EMIT_BATCH _IOWR(KMES_IOCTL_MAGIC, 1, struct kmes_emit_batch_args)
#define KMES_INFO _IOR(KMES_IOCTL_MAGIC, 2, struct kmes_info)

#endif /* _UAPI_KMES_IOCTL_H */
