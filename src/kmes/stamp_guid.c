#include "kmes/stamp_guid.h"

#include <string.h>

#define ROTATE(value, bits) ((value) << (bits) | (value) >> (64 - (bits)))

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = ROTATE(v[1], 13) ^ v[0];
	v[0] = ROTATE(v[0], 32);
	v[2] += v[3];
	v[3] = ROTATE(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = ROTATE(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = ROTATE(v[1], 17) ^ v[2];
	v[2] = ROTATE(v[2], 32);
}

/* SipHash-2-4 with 64 bits of output over three words (https://131002.net/siphash/siphash.pdf). */
static uint64_t siphash(const uint64_t key[2], const uint64_t words[3])
{
	uint64_t v[4] = {key[0] ^ 0x736f6d6570736575ull, key[1] ^ 0x646f72616e646f6dull,
			 key[0] ^ 0x6c7967656e657261ull, key[1] ^ 0x7465646279746573ull};
	const uint64_t last = 24ull << 56; /* length, no bytes left over */

	for (int i = 0; i < 4; i++) {
		const uint64_t word = i < 3 ? words[i] : last;

		v[3] ^= word;
		sip_round(v);
		sip_round(v);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void kmes_process_guid(const uint8_t boot_id[16], uint32_t tgid, uint64_t start_time,
		       uint8_t guid[16])
{
	uint64_t key[2];

	memcpy(key, boot_id, sizeof(key));
	for (uint64_t half = 0; half < 2; half++) {
		const uint64_t words[3] = {tgid, start_time, half};
		const uint64_t hash = siphash(key, words);

		memcpy(guid + 8 * half, &hash, sizeof(hash));
	}
	/* Version 8 (RFC 9562: application-defined) is in byte 7 of the Microsoft order. */
	guid[7] = (uint8_t)((guid[7] & 0x0f) | 0x80);
	guid[8] = (uint8_t)((guid[8] & 0x3f) | 0x80);
}

/* 6b6d6573-7569-8d64-8000-0000UUUUUUUU in text: "kmes", "ui", "d". */
static const uint8_t token_prefix[12] = {0x73, 0x65, 0x6d, 0x6b, 0x69, 0x75,
					 0x64, 0x8d, 0x80, 0x00, 0x00, 0x00};

void kmes_token_guid(uint32_t uid, uint8_t guid[16])
{
	memcpy(guid, token_prefix, sizeof(token_prefix));
	for (int i = 0; i < 4; i++)
		guid[12 + i] = (uint8_t)(uid >> (24 - 8 * i));
}

bool kmes_token_guid_uid(const uint8_t guid[16], uint32_t *uid)
{
	if (memcmp(guid, token_prefix, sizeof(token_prefix)) != 0)
		return false;
	*uid = (uint32_t)guid[12] << 24 | (uint32_t)guid[13] << 16 | (uint32_t)guid[14] << 8 | guid[15];
	return true;
}
