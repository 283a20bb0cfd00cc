/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR Apache-2.0 */
/*
 * KMES: the byte format of events and of the ring mapping.
 *
 * The one definition: compiled into the kernel module, src/kmes and the tests. All integers are
 * little-endian.
 */
#ifndef _UAPI_KMES_H
#define _UAPI_KMES_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
typedef uint8_t __kmes_u8;
typedef uint16_t __kmes_u16;
typedef uint32_t __kmes_u32;
typedef uint64_t __kmes_u64;
#endif

/*
 * Event: packed, header + payload, no padding anywhere.
 *
 *   0        4        8               16              24  26 27
 *   +--------+--------+----------------+---------------+---+-+----------------
 *   | event  | header | timestamp      | sequence      |cpu|o| effective_token
 *   | _size  | _size  | ns, REALTIME   | per CPU, >= 1 |_id|c| _guid (16)
 *   +--------+--------+----------------+---------------+---+-+----------------
 *   43                 59                75    77            header_size   event_size
 *   +------------------+-----------------+-----+-------------+-------------+
 *   | true_token_guid  | process_guid    |type | type        | payload     |
 *   | (16)             | (16)            |_len | (type_len)  | one msgpack |
 *   +------------------+-----------------+-----+-------------+-------------+
 */
#define KMES_EVENT_SIZE_OFFSET 0
#define KMES_HEADER_SIZE_OFFSET 4
#define KMES_TIMESTAMP_OFFSET 8
#define KMES_SEQUENCE_OFFSET 16
#define KMES_CPU_ID_OFFSET 24
#define KMES_ORIGIN_CLASS_OFFSET 26
#define KMES_EFFECTIVE_TOKEN_OFFSET 27
#define KMES_TRUE_TOKEN_OFFSET 43
#define KMES_PROCESS_OFFSET 59
#define KMES_TYPE_LEN_OFFSET 75
#define KMES_HEADER_FIXED_SIZE 77
#define KMES_GUID_SIZE 16

enum kmes_origin_class {
	KMES_ORIGIN_USERSPACE = 0,
	KMES_ORIGIN_KMES = 1,
	KMES_ORIGIN_KACS = 2,
	KMES_ORIGIN_LCS = 3,
};

/*
 * Ring mapping: [producer page RO][consumer page RW][data 2 x capacity RO], the data pages mapped
 * twice in a row so that no read or write ever splits.
 */
#define KMES_MAGIC "KMESRING"
#define KMES_VERSION 1
#define KMES_PAGE_SIZE 4096
#define KMES_DATA_OFFSET 8192
#define KMES_CAPACITY_MIN (64u << 10)
#define KMES_CAPACITY_MAX (256u << 20)
#define KMES_CAPACITY_DEFAULT (4u << 20)

/* Producer page. Line 0 is static, line 1 the positions, line 2 the futex. */
struct kmes_producer_page {
	__kmes_u8 magic[8];
	__kmes_u32 version;
	__kmes_u16 cpu_id;
	__kmes_u16 reserved0;
	__kmes_u64 capacity;    /* bytes, power of two */
	__kmes_u64 data_offset; /* 8192 */
	__kmes_u64 generation;  /* from 1; + 1 when the ring is replaced */
	__kmes_u8 reserved1[24];
	__kmes_u64 write_pos;   /* offset 64; monotonic byte offset, masked only on access */
	__kmes_u64 tail_pos;    /* offset 72; start of the oldest event still whole */
	__kmes_u8 reserved2[48];
	__kmes_u32 futex_counter; /* offset 128 */
	__kmes_u8 reserved3[KMES_PAGE_SIZE - 132];
};

/* Consumer page: one per attachment. */
struct kmes_consumer_page {
	__kmes_u8 need_wake;
	__kmes_u8 reserved[KMES_PAGE_SIZE - 1];
};

#endif /* _UAPI_KMES_H */
