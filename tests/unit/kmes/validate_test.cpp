// Accept and reject vectors of every msgpack family, UTF-8, nesting; rate limit; stamps; messages.
#include "kmes/validate.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "kmes/event_socket_protocol.h"
#include "kmes/stamp_guid.h"
#include "kmes/token_bucket.h"

namespace {

using namespace std::string_literals;

bool msgpack(const std::string& bytes, unsigned nesting = 32) {
  return kmes_msgpack_valid(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), nesting);
}
bool utf8(const std::string& bytes) {
  return kmes_utf8_valid(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

// Whole values: each is accepted, and refused when cut anywhere or followed by a byte.
const std::string kWhole[] = {
    "\x00"s, "\x7f"s, "\xe0"s, "\xff"s,                          // fixint
    "\xc0"s, "\xc2"s, "\xc3"s,                                   // nil, bool
    "\xcc\x01"s, "\xcd\x01\x02"s, "\xce\x01\x02\x03\x04"s, "\xcf"s + std::string(8, 1),
    "\xd0\x01"s, "\xd1\x01\x02"s, "\xd2\x01\x02\x03\x04"s, "\xd3"s + std::string(8, 1),
    "\xca"s + std::string(4, 1), "\xcb"s + std::string(8, 1),    // float
    "\xa0"s, "\xa3" "abc"s, "\xbf"s + std::string(31, 'a'),      // fixstr
    "\xd9\x03" "abc"s, "\xda\x00\x03" "abc"s, "\xdb\x00\x00\x00\x03" "abc"s,
    "\xc4\x02\xff\xff"s, "\xc5\x00\x02\xff\xff"s, "\xc6\x00\x00\x00\x02\xff\xff"s, "\xc4\x00"s,
    "\xc7\x02\x05\xff\xff"s, "\xc8\x00\x02\x05\xff\xff"s, "\xc9\x00\x00\x00\x02\x05\xff\xff"s,
    "\xc7\x00\x05"s,                                             // empty ext
    "\xd4\x05"s + std::string(1, 9), "\xd5\x05"s + std::string(2, 9), "\xd6\x05"s + std::string(4, 9),
    "\xd7\x05"s + std::string(8, 9), "\xd8\x05"s + std::string(16, 9),
    "\x90"s, "\x93\x01\x02\x03"s, "\xdc\x00\x02\x01\x02"s, "\xdd\x00\x00\x00\x02\x01\x02"s,
    "\x80"s, "\x82\xa1" "a\x01\xa1" "b\x02"s, "\xde\x00\x01\xa1" "a\xc0"s,
    "\xdf\x00\x00\x00\x01\xa1" "a\xc0"s,
    "\x82\xa1" "a\x92\x80\x90\x01\x81\x01\x02"s,                 // containers inside containers
};

TEST(Msgpack, WholeValuesOfEveryFamily) {
  for (const std::string& value : kWhole) {
    EXPECT_TRUE(msgpack(value)) << testing::PrintToString(value);
    for (size_t cut = 0; cut < value.size(); ++cut) {
      EXPECT_FALSE(msgpack(value.substr(0, cut))) << testing::PrintToString(value) << " cut at " << cut;
    }
    EXPECT_FALSE(msgpack(value + "\xc0")) << "bytes left over: " << testing::PrintToString(value);
  }
}

TEST(Msgpack, EveryFormatByteAlone) {
  for (int lead = 0; lead < 256; ++lead) {
    const bool complete = lead < 0x80 || lead >= 0xe0 || lead == 0x80 || lead == 0x90 ||
                          lead == 0xa0 || lead == 0xc0 || lead == 0xc2 || lead == 0xc3;
    EXPECT_EQ(msgpack(std::string(1, static_cast<char>(lead))), complete) << lead;
  }
}

TEST(Msgpack, NeverUsedByteIsRefused) {
  EXPECT_FALSE(msgpack("\xc1"s));
  EXPECT_FALSE(msgpack("\x91\xc1"s));
  EXPECT_FALSE(msgpack("\xc1"s + std::string(300, '\0')));
}

TEST(Msgpack, StringsMustBeUtf8AndBinariesNeedNot) {
  EXPECT_FALSE(msgpack("\xa1\xff"s));
  EXPECT_FALSE(msgpack("\x81\xa1\xff\x01"s)) << "keys as well";
  EXPECT_FALSE(msgpack("\xd9\x02\xc3\x28"s));
  EXPECT_TRUE(msgpack("\xc4\x01\xff"s));
}

TEST(Msgpack, CountsThatCannotBeAreRefusedAtOnce) {
  EXPECT_FALSE(msgpack("\xdd\xff\xff\xff\xff"s));
  EXPECT_FALSE(msgpack("\xdf\xff\xff\xff\xff\x01"s));
  EXPECT_FALSE(msgpack("\xdf\x80\x00\x00\x00"s)) << "twice 2^31 must not wrap to 0";
  EXPECT_FALSE(msgpack("\xdb\xff\xff\xff\xff" "a"s));
  EXPECT_FALSE(msgpack("\xc6\xff\xff\xff\xff" "a"s));
  EXPECT_FALSE(msgpack("\xc9\xff\xff\xff\xff" "a"s)) << "count + type byte must not wrap";
}

TEST(Msgpack, NestingLimit) {
  for (const char container : {'\x91', '\x81'}) {
    for (const unsigned limit : {1U, 4U, 32U, 256U}) {
      std::string deep;
      for (unsigned i = 0; i < limit; ++i) {
        deep += container;
        if (container == '\x81') deep += '\x01';
      }
      EXPECT_TRUE(msgpack(deep + "\xc0", limit));
      EXPECT_FALSE(msgpack(deep + "\xc0", limit - 1));
      EXPECT_FALSE(msgpack(deep + "\x90", limit)) << "an empty one nests too";
    }
  }
  EXPECT_TRUE(msgpack("\x07"s, 0));
  EXPECT_FALSE(msgpack("\x90"s, 0));
  // Far beyond the validator's own stack, whatever the caller allows.
  EXPECT_FALSE(msgpack(std::string(100'000, '\x91') + "\xc0", 1'000'000));
  // Side by side is not nested.
  EXPECT_TRUE(msgpack("\xdc\x01\x00"s + std::string(256, '\x90'), 2));
}

TEST(Utf8, WellFormed) {
  for (const std::string& text :
       {""s, "plain"s, "ä"s, "€"s, "😀"s, "a\0b"s, "\xed\x9f\xbf"s, "\xee\x80\x80"s,
        "\xf4\x8f\xbf\xbf"s, std::string(100, 'a') + "ä" + std::string(100, 'b')}) {
    EXPECT_TRUE(utf8(text)) << testing::PrintToString(text);
  }
}

TEST(Utf8, IllFormedAtAnyPlace) {
  for (const std::string& bad :
       {"\x80"s, "\xbf"s, "\xc0\x80"s, "\xc1\xbf"s, "\xc3"s, "\xc3\x28"s, "\xe0\x9f\xbf"s,
        "\xe2\x82"s, "\xe2\x28\xa1"s, "\xed\xa0\x80"s, "\xed\xbf\xbf"s, "\xf0\x8f\xbf\xbf"s,
        "\xf0\x9f\x98"s, "\xf0\x9f\x98\x28"s, "\xf4\x90\x80\x80"s, "\xf5\x80\x80\x80"s, "\xff"s}) {
    for (size_t before = 0; before < 20; ++before) {
      EXPECT_FALSE(utf8(std::string(before, 'a') + bad)) << testing::PrintToString(bad);
      EXPECT_FALSE(utf8(std::string(before, 'a') + bad + std::string(9, 'z')));
    }
  }
}

constexpr uint64_t kSecond = 1'000'000'000;

TEST(TokenBucket, BurstThenRefill) {
  kmes_token_bucket bucket;
  kmes_token_bucket_init(&bucket, 100, kSecond);
  EXPECT_TRUE(kmes_token_bucket_take(&bucket, 100, kSecond));
  EXPECT_FALSE(kmes_token_bucket_take(&bucket, 1, kSecond));
  EXPECT_FALSE(kmes_token_bucket_take(&bucket, 1, kSecond + kSecond / 100 - 1));
  EXPECT_TRUE(kmes_token_bucket_take(&bucket, 1, kSecond + kSecond / 100));
  EXPECT_FALSE(kmes_token_bucket_take(&bucket, 1, kSecond)) << "a clock that steps back gives nothing";
  EXPECT_EQ(kmes_token_bucket_available(&bucket, 3 * kSecond), 100U);
  EXPECT_EQ(kmes_token_bucket_available(&bucket, UINT64_MAX), 100U) << "never above the burst";
}

TEST(TokenBucket, AllOrNothingAndGivingBack) {
  kmes_token_bucket bucket;
  kmes_token_bucket_init(&bucket, 10, 0);
  EXPECT_FALSE(kmes_token_bucket_take(&bucket, 11, 0));
  EXPECT_EQ(kmes_token_bucket_available(&bucket, 0), 10U);
  EXPECT_TRUE(kmes_token_bucket_take(&bucket, 8, 0));
  kmes_token_bucket_give_back(&bucket, 3);
  EXPECT_EQ(kmes_token_bucket_available(&bucket, 0), 5U);
  kmes_token_bucket_give_back(&bucket, UINT32_MAX);
  EXPECT_EQ(kmes_token_bucket_available(&bucket, 0), 10U);
}

TEST(TokenBucket, LoweringTheRateClampsAndLargestRateHolds) {
  kmes_token_bucket bucket;
  kmes_token_bucket_init(&bucket, UINT32_MAX, 0);
  EXPECT_TRUE(kmes_token_bucket_take(&bucket, UINT32_MAX, 0));
  EXPECT_FALSE(kmes_token_bucket_take(&bucket, 1, 0));
  EXPECT_TRUE(kmes_token_bucket_take(&bucket, UINT32_MAX, kSecond));
  kmes_token_bucket_set_rate(&bucket, 7, 3 * kSecond);
  EXPECT_EQ(kmes_token_bucket_available(&bucket, 3 * kSecond), 7U);
  kmes_token_bucket_set_rate(&bucket, 0, 3 * kSecond);
  EXPECT_TRUE(kmes_token_bucket_take(&bucket, 1'000'000, 3 * kSecond)) << "no limit";
}

TEST(StampGuid, TokensCanBeReadBack) {
  uint8_t guid[16];
  uint32_t uid = 0;
  for (const uint32_t wanted : {0U, 1000U, 0xfffffffeU}) {
    kmes_token_guid(wanted, guid);
    ASSERT_TRUE(kmes_token_guid_uid(guid, &uid));
    EXPECT_EQ(uid, wanted);
  }
  guid[0] ^= 1;
  EXPECT_FALSE(kmes_token_guid_uid(guid, &uid));
}

TEST(StampGuid, ProcessesDiffer) {
  const uint8_t boot[16] = {1}, other_boot[16] = {2};
  uint8_t a[16], b[16];
  kmes_process_guid(boot, 10, 20, a);
  kmes_process_guid(boot, 10, 20, b);
  EXPECT_EQ(std::memcmp(a, b, 16), 0);
  EXPECT_EQ(a[7] >> 4, 8) << "version";
  EXPECT_EQ(a[8] >> 6, 2) << "variant";
  kmes_process_guid(boot, 11, 20, b);
  EXPECT_NE(std::memcmp(a, b, 16), 0);
  kmes_process_guid(boot, 10, 21, b);
  EXPECT_NE(std::memcmp(a, b, 16), 0);
  kmes_process_guid(other_boot, 10, 20, b);
  EXPECT_NE(std::memcmp(a, b, 16), 0);
}

std::string emit_message(uint16_t count, const std::string& entries) {
  kmes_socket_emit head{KMES_SOCKET_EMIT_MAGIC, count, 0};
  return std::string(reinterpret_cast<const char*>(&head), sizeof(head)) + entries;
}
std::string emit_entry(uint16_t type_len, uint32_t payload_len, const std::string& bytes) {
  kmes_socket_entry entry{payload_len, type_len, 0};
  return std::string(reinterpret_cast<const char*>(&entry), sizeof(entry)) + bytes;
}

TEST(SocketMessage, LengthsMustFitExactly) {
  kmes_socket_event events[KMES_BATCH_MAX];
  const auto parse = [&](const std::string& message) {
    return kmes_socket_parse_emit(message.data(), message.size(), events);
  };
  const std::string good = emit_message(2, emit_entry(1, 1, "a\x01") + emit_entry(2, 0, "bc"));
  ASSERT_EQ(parse(good), 2);
  EXPECT_EQ(events[1].type_len, 2);
  EXPECT_EQ(events[1].payload_len, 0U);
  EXPECT_EQ(std::memcmp(events[1].type, "bc", 2), 0);
  for (size_t cut = 0; cut < good.size(); ++cut) EXPECT_EQ(parse(good.substr(0, cut)), -1);
  EXPECT_EQ(parse(good + "x"), -1);
  EXPECT_EQ(parse(emit_message(0, "")), -1);
  EXPECT_EQ(parse(emit_message(257, "")), -1);
  EXPECT_EQ(parse(emit_message(1, emit_entry(0, 1, "\x01"))), -1);
  EXPECT_EQ(parse(emit_message(1, emit_entry(1, 0xffffffff, "a\x01"))), -1);
  EXPECT_EQ(parse(emit_message(1, emit_entry(0xffff, 1, "a\x01"))), -1);
}

}  // namespace
