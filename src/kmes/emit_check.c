#include "kmes/emit_check.h"

#include <errno.h>

#include "kernel/uapi/kmes.h"
#include "kmes/validate.h"

int kmes_emit_begin(bool permitted, struct kmes_token_bucket *bucket, uint32_t count, uint64_t now_ns)
{
	if (!permitted)
		return EPERM;
	if (count == 0 || count > KMES_BATCH_MAX)
		return EINVAL;
	if (bucket != NULL && !kmes_token_bucket_take(bucket, count, now_ns))
		return EAGAIN;
	return 0;
}

void kmes_emit_end(struct kmes_token_bucket *bucket, uint32_t count, uint32_t emitted)
{
	if (bucket != NULL && emitted < count)
		kmes_token_bucket_give_back(bucket, count - emitted);
}

int kmes_emit_check_size(const struct kmes_emit_limits *limits, uint64_t type_len,
			 uint64_t payload_len)
{
	if (type_len == 0 || type_len > UINT16_MAX ||
	    payload_len > UINT32_MAX - KMES_HEADER_FIXED_SIZE - type_len)
		return EINVAL;
	if (KMES_HEADER_FIXED_SIZE + type_len + payload_len > limits->max_event_size)
		return ENOSPC;
	return 0;
}

int kmes_emit_check_content(const struct kmes_emit_limits *limits, const uint8_t *type,
			    uint32_t type_len, const uint8_t *payload, uint32_t payload_len)
{
	if (!kmes_utf8_valid(type, type_len) ||
	    !kmes_msgpack_valid(payload, payload_len, limits->max_nesting_depth))
		return EINVAL;
	return 0;
}
