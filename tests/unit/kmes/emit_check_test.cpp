// The order of the checks: every pair of things wrong at once, as the module and libkmes run them.
#include "kmes/emit_check.h"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include "kernel/uapi/kmes.h"

namespace {

using namespace std::string_literals;

struct Entry {
  uint64_t type_len = 1;
  uint64_t payload_len = 1;
  int copy_error = 0;  // what copying it in says
  std::string type = "a";
  std::string payload = "\x01"s;
};

struct Call {
  bool permitted = true;
  bool exempt = false;
  uint32_t count = 0;  // 0: of the entries
  uint32_t rate = 1000;
  std::vector<Entry> entries = {Entry{}};
};

constexpr kmes_emit_limits kLimits = {1000, 4};
constexpr uint32_t kUntouched = 77;

struct Outcome {
  int error = 0;
  uint32_t emitted = kUntouched;
  uint32_t tokens_left = 0;
};

/// One call with the checks in the order of emit_check.h, copying as the module does.
Outcome run(const Call& call) {
  Outcome outcome;
  kmes_token_bucket bucket;
  kmes_token_bucket_init(&bucket, call.rate, 0);
  kmes_token_bucket* const used = call.exempt ? nullptr : &bucket;
  const uint32_t count = call.count != 0 ? call.count : static_cast<uint32_t>(call.entries.size());
  outcome.error = kmes_emit_begin(call.permitted, used, count, 0);
  if (outcome.error == 0) {
    outcome.emitted = 0;
    for (const Entry& entry : call.entries) {
      outcome.error = kmes_emit_check_size(&kLimits, entry.type_len, entry.payload_len);
      if (outcome.error == 0) outcome.error = entry.copy_error;
      if (outcome.error == 0) {
        outcome.error = kmes_emit_check_content(
            &kLimits, reinterpret_cast<const uint8_t*>(entry.type.data()),
            static_cast<uint32_t>(entry.type_len),
            reinterpret_cast<const uint8_t*>(entry.payload.data()),
            static_cast<uint32_t>(entry.payload_len));
      }
      if (outcome.error != 0) break;
      ++outcome.emitted;
    }
    kmes_emit_end(used, count, outcome.emitted);
  }
  outcome.tokens_left = kmes_token_bucket_available(&bucket, 0);
  return outcome;
}

/// What can be wrong, in the order in which it must be found. `entry` failures are of one entry.
struct Failure {
  const char* name;
  int error;
  std::function<void(Call&)> on_call;
  std::function<void(Entry&)> on_entry;
};

const std::vector<Failure>& failures() {
  static const std::vector<Failure> all = {
      {"no right", EPERM, [](Call& call) { call.permitted = false; }, {}},
      {"count", EINVAL, [](Call& call) { call.count = 257; }, {}},
      {"rate", EAGAIN, [](Call& call) { call.rate = 0; }, {}},  // see below
      {"no type", EINVAL, {}, [](Entry& entry) { entry.type_len = 0; }},
      {"type too long", EINVAL, {}, [](Entry& entry) { entry.type_len = 65536; }},
      {"overflow", EINVAL, {}, [](Entry& entry) { entry.payload_len = UINT64_MAX; }},
      {"too large", ENOSPC, {},
       [](Entry& entry) {
         if (entry.payload_len < 2000) entry.payload_len = 2000;
       }},
      {"not readable", EFAULT, {}, [](Entry& entry) { entry.copy_error = EFAULT; }},
      {"type not UTF-8", EINVAL, {}, [](Entry& entry) { entry.type = "\xff"s; }},
      {"payload no value", EINVAL, {}, [](Entry& entry) { entry.payload = "\xc1"s; }},
  };
  return all;
}

void apply(const Failure& failure, Call& call, size_t entry) {
  if (failure.error == EAGAIN) {
    // Over the rate: one token fewer than wanted, whatever else is wrong. A count that is refused
    // is far above any rate here.
    call.rate = static_cast<uint32_t>(call.entries.size()) - 1;
    if (call.rate == 0) {
      call.entries.push_back(Entry{});
      call.rate = 1;
    }
  } else if (failure.on_call) {
    failure.on_call(call);
  } else {
    failure.on_entry(call.entries[entry]);
  }
}

TEST(EmitCheck, EachFailureAlone) {
  for (const Failure& failure : failures()) {
    Call call;
    apply(failure, call, 0);
    const Outcome outcome = run(call);
    EXPECT_EQ(outcome.error, failure.error) << failure.name;
    EXPECT_EQ(outcome.tokens_left, call.rate) << failure.name << " costs nothing";
  }
  EXPECT_EQ(run(Call{}).error, 0);
  EXPECT_EQ(run(Call{}).tokens_left, 999U);
}

TEST(EmitCheck, OfEveryPairTheFirstWins) {
  const auto& all = failures();
  for (size_t first = 0; first < all.size(); ++first) {
    for (size_t second = first; second < all.size(); ++second) {
      for (const bool turned : {false, true}) {  // in whichever order they came about
        Call call;
        apply(all[turned ? second : first], call, 0);
        apply(all[turned ? first : second], call, 0);
        const Outcome outcome = run(call);
        EXPECT_EQ(outcome.error, all[first].error) << all[first].name << " and " << all[second].name;
        EXPECT_EQ(outcome.tokens_left, call.rate) << all[first].name << " and " << all[second].name;
        const bool before_entries = static_cast<bool>(all[first].on_call);
        EXPECT_EQ(outcome.emitted, before_entries ? kUntouched : 0U)
            << all[first].name << " and " << all[second].name;
      }
    }
  }
}

TEST(EmitCheck, OfTwoBadEntriesTheEarlierWinsWhateverItIs) {
  for (const Failure& early : failures()) {
    for (const Failure& late : failures()) {
      if (early.on_call || late.on_call) continue;
      Call call;
      call.entries.resize(5);
      apply(early, call, 2);
      apply(late, call, 3);
      const Outcome outcome = run(call);
      EXPECT_EQ(outcome.error, early.error) << early.name << " before " << late.name;
      EXPECT_EQ(outcome.emitted, 2U);
      EXPECT_EQ(outcome.tokens_left, 998U) << "of five reserved, three are given back";
    }
  }
}

TEST(EmitCheck, WhatComesBeforeEntriesHidesThemAll) {
  for (const Failure& early : failures()) {
    for (const Failure& late : failures()) {
      if (!early.on_call || late.on_call) continue;
      Call call;
      call.entries.resize(3);
      apply(early, call, 0);
      apply(late, call, 1);
      const Outcome outcome = run(call);
      EXPECT_EQ(outcome.error, early.error) << early.name << " and " << late.name;
      EXPECT_EQ(outcome.emitted, kUntouched);
      EXPECT_EQ(outcome.tokens_left, call.rate);
    }
  }
}

TEST(EmitCheck, CountsFromOneTo256) {
  for (const uint32_t count : {1U, 256U}) {
    Call call;
    call.entries.resize(count);
    EXPECT_EQ(run(call).error, 0);
    EXPECT_EQ(run(call).emitted, count);
  }
  EXPECT_EQ(kmes_emit_begin(true, nullptr, 0, 0), EINVAL);
  EXPECT_EQ(kmes_emit_begin(true, nullptr, 257, 0), EINVAL);
}

TEST(EmitCheck, TheExemptPayNothing) {
  Call call;
  call.exempt = true;
  call.rate = 1;
  call.entries.resize(256);
  const Outcome outcome = run(call);
  EXPECT_EQ(outcome.error, 0);
  EXPECT_EQ(outcome.emitted, 256U);
  EXPECT_EQ(outcome.tokens_left, 1U);
}

TEST(EmitCheck, SizesAtTheirEdges) {
  const auto check = [](uint64_t type_len, uint64_t payload_len) {
    return kmes_emit_check_size(&kLimits, type_len, payload_len);
  };
  EXPECT_EQ(check(1, 1000 - KMES_HEADER_FIXED_SIZE - 1), 0);
  EXPECT_EQ(check(1, 1000 - KMES_HEADER_FIXED_SIZE), ENOSPC);
  EXPECT_EQ(check(65535, 0), ENOSPC);
  EXPECT_EQ(check(65535, UINT32_MAX - KMES_HEADER_FIXED_SIZE - 65535), ENOSPC);
  EXPECT_EQ(check(65535, UINT32_MAX - KMES_HEADER_FIXED_SIZE - 65534), EINVAL);
  EXPECT_EQ(check(1, UINT64_MAX - 1), EINVAL);
  EXPECT_EQ(check(UINT64_MAX, 1), EINVAL);
  const kmes_emit_limits unlimited = {UINT32_MAX, 4};
  EXPECT_EQ(kmes_emit_check_size(&unlimited, 65535, UINT32_MAX - KMES_HEADER_FIXED_SIZE - 65535), 0);
}

TEST(EmitCheck, LoweringTheRateBetweenBeginAndEnd) {
  kmes_token_bucket bucket;
  kmes_token_bucket_init(&bucket, 100, 0);
  ASSERT_EQ(kmes_emit_begin(true, &bucket, 90, 0), 0);
  kmes_token_bucket_set_rate(&bucket, 10, 0);
  kmes_emit_end(&bucket, 90, 0);
  EXPECT_EQ(kmes_token_bucket_available(&bucket, 0), 10U) << "given back, but not above the burst";
}

}  // namespace
