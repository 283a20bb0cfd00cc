// Who emitted, as GUIDs; and the lengths in an emitter's message.
#include "kmes/stamp_guid.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "kmes/event_socket_protocol.h"

namespace {

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
