#include "kmes/token_bucket.h"

#define TOKEN 1000000000ull

static uint64_t full(const struct kmes_token_bucket *bucket)
{
	return bucket->rate * TOKEN; /* < 2^62 */
}

static void refill(struct kmes_token_bucket *bucket, uint64_t now_ns)
{
	uint64_t elapsed_ns;
	uint64_t added;

	if (now_ns <= bucket->last_ns)
		return;
	elapsed_ns = now_ns - bucket->last_ns;
	bucket->last_ns = now_ns;
	/* A second fills it from empty, so more than that never counts (and cannot overflow). */
	if (elapsed_ns > TOKEN)
		elapsed_ns = TOKEN;
	added = elapsed_ns * bucket->rate;
	if (added > full(bucket) - bucket->credit)
		bucket->credit = full(bucket);
	else
		bucket->credit += added;
}

void kmes_token_bucket_init(struct kmes_token_bucket *bucket, uint32_t rate, uint64_t now_ns)
{
	bucket->rate = rate;
	bucket->last_ns = now_ns;
	bucket->credit = full(bucket);
}

void kmes_token_bucket_set_rate(struct kmes_token_bucket *bucket, uint32_t rate, uint64_t now_ns)
{
	refill(bucket, now_ns);
	bucket->rate = rate;
	if (bucket->credit > full(bucket))
		bucket->credit = full(bucket);
}

bool kmes_token_bucket_take(struct kmes_token_bucket *bucket, uint32_t count, uint64_t now_ns)
{
	if (bucket->rate == 0)
		return true;
	refill(bucket, now_ns);
	if (bucket->credit < count * TOKEN)
		return false;
	bucket->credit -= count * TOKEN;
	return true;
}

void kmes_token_bucket_give_back(struct kmes_token_bucket *bucket, uint32_t count)
{
	uint64_t added = count * TOKEN;

	if (added > full(bucket) - bucket->credit)
		bucket->credit = full(bucket);
	else
		bucket->credit += added;
}

uint32_t kmes_token_bucket_available(struct kmes_token_bucket *bucket, uint64_t now_ns)
{
	if (bucket->rate == 0)
		return UINT32_MAX;
	refill(bucket, now_ns);
	return (uint32_t)(bucket->credit / TOKEN);
}
