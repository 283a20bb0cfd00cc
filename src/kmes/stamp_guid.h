/*
 * GUIDs that say who emitted (spec kmes.md §7), stored in Microsoft byte order. Pure C: the module
 * makes the same ones, so that a process is the same whichever way its events come.
 */
#ifndef EVENTD_KMES_STAMP_GUID_H
#define EVENTD_KMES_STAMP_GUID_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of one process of one boot: SipHash-2-4 of thread group id and start time (clock ticks since boot,
 * field 22 of /proc/PID/stat), keyed with the boot id; marked as a version 8 UUID. */
void kmes_process_guid(const uint8_t boot_id[16], uint32_t tgid, uint64_t start_time,
		       uint8_t guid[16]);

/* Of a user id: a fixed prefix of 12 bytes, then the uid, big-endian, so that the last eight digits
 * of the text form are the uid in hex. */
void kmes_token_guid(uint32_t uid, uint8_t guid[16]);
/* True, and the uid, when `guid` is a token GUID. */
bool kmes_token_guid_uid(const uint8_t guid[16], uint32_t *uid);

#ifdef __cplusplus
}
#endif
#endif
