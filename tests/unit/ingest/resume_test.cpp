// What the receipts of earlier runs say: sequences, holes, runs, epochs.
#include "engine/ingest/resume.h"

#include <gtest/gtest.h>

#include <iterator>
#include <vector>

#include "engine/limits.h"

namespace eventd::engine {
namespace {

Guid guid(uint8_t number) {
  Guid guid;
  guid.bytes[0] = number;
  return guid;
}
ReceiptRange receipt(uint8_t boot, uint16_t cpu, uint64_t first, uint64_t last, uint8_t epoch = 0) {
  return {.boot_id = guid(boot), .epoch = epoch ? guid(epoch) : Guid{}, .cpu_id = cpu,
          .first = first, .last = last};
}

TEST(Resume, AFreshDirectoryStartsAtZero) {
  const Resume resume = plan_resume({}, guid(1), {});
  EXPECT_FALSE(resume.restart);
  EXPECT_TRUE(resume.clean);
  EXPECT_TRUE(resume.last.empty());
  EXPECT_EQ(resume.boot_id, guid(1));
  ASSERT_EQ(resume.startup_receipts.size(), 1u);
  EXPECT_EQ(resume.startup_receipts[0].last, 1u);
  EXPECT_EQ(resume.shutdown_receipt.first, 2u);
}

TEST(Resume, UnionsTheShardsAndFindsHoles) {
  const ReceiptRange receipts[] = {receipt(1, 0, 1, 10), receipt(1, 0, 21, 30), receipt(1, 0, 11, 15),
                                   receipt(1, 1, 5, 6),  receipt(2, 0, 1, 999), receipt(1, kRunCpuId, 1, 2)};
  const Resume resume = plan_resume(receipts, guid(1), {});
  EXPECT_TRUE(resume.restart);
  EXPECT_FALSE(resume.clean);
  EXPECT_EQ(resume.last, (synthetic::SequenceByCpu{{0, 30}, {1, 6}}));
  ASSERT_EQ(resume.holes.ranges().size(), 2u);
  EXPECT_EQ(resume.holes.ranges()[0].first, 16u);
  EXPECT_EQ(resume.holes.ranges()[0].last, 20u);
  EXPECT_EQ(resume.holes.ranges()[1].first, 1u);
  EXPECT_EQ(resume.holes.ranges()[1].last, 4u);
}

TEST(Resume, DamagedReceiptsCoverNothing) {
  const ReceiptRange receipts[] = {receipt(1, 0, 1, 10), receipt(1, 0, 0, 50), receipt(1, 0, 60, 40),
                                   receipt(1, 0, 70, UINT64_MAX)};
  const Resume resume = plan_resume(receipts, guid(1), {});
  EXPECT_EQ(resume.last, (synthetic::SequenceByCpu{{0, 10}}));
  EXPECT_TRUE(resume.holes.empty());
}

TEST(Resume, ARunWithoutAShutdownIsNotClean) {
  const ReceiptRange crashed[] = {receipt(1, 0, 1, 10), receipt(1, kRunCpuId, 1, 3)};
  const Resume resume = plan_resume(crashed, guid(1), {});
  EXPECT_TRUE(resume.restart);
  EXPECT_FALSE(resume.clean);
  EXPECT_EQ(resume.shutdown_receipt.last, 6u);  // run 3 closed as 4, this one is 5
  // In another boot: said once, then remembered as told.
  const Resume other = plan_resume(crashed, guid(2), {});
  EXPECT_FALSE(other.restart);
  EXPECT_FALSE(other.clean);
  std::vector<ReceiptRange> later(std::begin(crashed), std::end(crashed));
  later.insert(later.end(), other.startup_receipts.begin(), other.startup_receipts.end());
  later.push_back(other.shutdown_receipt);
  EXPECT_TRUE(plan_resume(later, guid(3), {}).clean);
}

TEST(Resume, AnEpochGoesOnFromItsOwnSequencesOnly) {
  const ReceiptRange receipts[] = {receipt(1, 0, 1, 10, 0xe1), receipt(1, kSqlCpuIdBase, 1, 7),
                                   receipt(1, 0, 3, 3, 0xe1)};
  const Resume resume = plan_resume(receipts, guid(1), guid(0xe1));
  EXPECT_EQ(resume.boot_id, guid(1));
  EXPECT_TRUE(resume.restart);
  // Those of SQL rows don't depend on the rings.
  EXPECT_EQ(resume.last, (synthetic::SequenceByCpu{{0, 10}, {kSqlCpuIdBase, 7}}));
}

TEST(Resume, ASecondEpochOfABootStampsItsOwnGuid) {
  const ReceiptRange first[] = {receipt(1, 0, 1, 10, 0xe1), receipt(1, kSqlCpuIdBase, 1, 7),
                                receipt(1, kRunCpuId, 1, 2)};
  const Resume second = plan_resume(first, guid(1), guid(0xe2));
  EXPECT_EQ(second.boot_id, guid(0xe2));
  EXPECT_FALSE(second.restart);
  EXPECT_TRUE(second.last.empty());
  EXPECT_TRUE(second.holes.empty());
  EXPECT_EQ(second.startup_receipts[0].boot_id, guid(0xe2));
  // A restart within the second epoch finds both, and goes on with its own.
  std::vector<ReceiptRange> receipts(std::begin(first), std::end(first));
  receipts.push_back(receipt(0xe2, 0, 1, 4, 0xe2));
  receipts.push_back(second.startup_receipts[0]);
  receipts.push_back(second.shutdown_receipt);
  const Resume again = plan_resume(receipts, guid(1), guid(0xe2));
  EXPECT_EQ(again.boot_id, guid(0xe2));
  EXPECT_TRUE(again.restart);
  EXPECT_TRUE(again.clean);
  EXPECT_EQ(again.last, (synthetic::SequenceByCpu{{0, 4}}));
  // And so does the first, should it still be there.
  EXPECT_EQ(plan_resume(receipts, guid(1), guid(0xe1)).boot_id, guid(1));
  EXPECT_EQ(plan_resume(receipts, guid(1), guid(0xe1)).last.at(0), 10u);
}

TEST(Resume, UserModeInTheBootOfAnEpochIsABootOfItsOwn) {
  const ReceiptRange receipts[] = {receipt(1, 0, 1, 10, 0xe1)};
  const Resume resume = plan_resume(receipts, guid(1), {});
  EXPECT_NE(resume.boot_id, guid(1));
  EXPECT_FALSE(resume.boot_id.is_zero());
  EXPECT_EQ(plan_resume(receipts, guid(1), {}).boot_id, resume.boot_id);  // at every start
  EXPECT_NE(plan_resume({}, guid(1), {}).boot_id, resume.boot_id);
  // Rows of SQL alone don't take a boot id from the rings.
  const ReceiptRange sql_only[] = {receipt(1, kSqlCpuIdBase, 1, 10)};
  EXPECT_EQ(plan_resume(sql_only, guid(1), guid(0xe1)).boot_id, guid(1));
}

}  // namespace
}  // namespace eventd::engine
