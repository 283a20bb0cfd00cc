// Every single operation of SQLite's on its files fails once, in turn: the first, the second, … until
// the scenario passes without meeting the fault.
#include <cstdlib>
#include <filesystem>
#include <ostream>
#include <string>

#include "tests/support/faulty_vfs.h"
#include "tests/unit/faults/fault_scenario.h"

namespace eventd::engine {
namespace {

using test::FaultyVfs;
using test::IoFault;
using test::IoKind;

enum class Lasts : uint8_t { kOnce, kUntilHealed, kThroughStop };

struct FaultCase {
  std::string name;
  IoFault fault;  // but for nth and for_ever
};
void PrintTo(const FaultCase& fault_case, std::ostream* out) { *out << fault_case.name; }

const FaultCase kCases[] = {
    {"open", {.kind = IoKind::kOpen, .result = SQLITE_CANTOPEN}},
    {"read", {.kind = IoKind::kRead, .result = SQLITE_IOERR_READ}},
    {"write", {.kind = IoKind::kWrite, .result = SQLITE_IOERR_WRITE}},
    {"torn_write", {.kind = IoKind::kWrite, .result = SQLITE_IOERR_WRITE, .torn = true}},
    {"full", {.kind = IoKind::kWrite, .result = SQLITE_FULL, .torn = true}},
    {"sync", {.kind = IoKind::kSync, .result = SQLITE_IOERR_FSYNC}},
    {"truncate", {.kind = IoKind::kTruncate, .result = SQLITE_IOERR_TRUNCATE}},
    {"size", {.kind = IoKind::kSize, .result = SQLITE_IOERR_FSTAT}},
    {"delete", {.kind = IoKind::kDelete, .result = SQLITE_IOERR_DELETE}},
    {"lock", {.kind = IoKind::kLock, .result = SQLITE_IOERR_LOCK}},
    {"shm", {.kind = IoKind::kShm, .result = SQLITE_IOERR_SHMMAP}},
};

bool long_form() {
  const char* value = std::getenv("EVENTD_LONG_TESTS");
  return value && std::string_view(value) == "1";
}

/// Files of an earlier, clean run with a shard more, which is only read later.
class IoFaults : public testing::TestWithParam<FaultCase> {
 protected:
  static void SetUpTestSuite() {
    FaultyVfs::instance();
    earlier_ = std::make_unique<TemporaryDirectory>();
    earlier_run_ = std::make_unique<FaultScenario>(earlier_->path());
    ASSERT_OK(earlier_run_->start(FaultScenario::kShards + 1));
    earlier_run_->traffic();
    earlier_run_->stop();
    earlier_run_->verify(true);
  }
  static void TearDownTestSuite() {
    earlier_run_.reset();
    earlier_.reset();
  }

  /// False once the fault is not met any more.
  bool run(IoFault fault, Lasts lasts, bool fresh) {
    FaultyVfs& vfs = FaultyVfs::instance();
    const TemporaryDirectory directory;
    FaultScenario scenario(directory.path());
    if (!fresh) {
      std::filesystem::copy(earlier_->path(), directory.path(),
                            std::filesystem::copy_options::recursive);
      scenario.continue_from(*earlier_run_);
    }
    fault.for_ever = lasts != Lasts::kOnce;
    vfs.arm(fault);
    if (Status status = scenario.start(); !status.ok()) {
      EXPECT_TRUE(vfs.fired()) << status.error().message;
      EXPECT_FALSE(status.error().message.empty());
      const std::string_view code = status.error().code.text();
      EXPECT_TRUE(code == "58030" || code == "53100") << code << " " << status.error().message;
      // What a failed start leaves behind must not be in the way of the next.
      vfs.heal();
      status = scenario.start();
      EXPECT_TRUE(status.ok()) << status.error().message;
      if (!status.ok()) return true;
    }
    scenario.traffic();
    if (lasts == Lasts::kUntilHealed) vfs.heal();
    if (lasts != Lasts::kThroughStop) {
      EXPECT_TRUE(scenario.recovered());
      scenario.traffic();
    }
    scenario.stop();
    const bool fired = vfs.fired();
    vfs.heal();
    // User-mode rings end with the server: what none of its commits has seen, nobody knows of.
    const bool rings_complete = lasts != Lasts::kThroughStop;
    // Before the restart, which tells holes of its own accord.
    if (rings_complete) scenario.verify(true);
    const Status again = scenario.start();
    EXPECT_TRUE(again.ok()) << again.error().message;
    if (!again.ok()) return fired;
    scenario.traffic();
    scenario.stop();
    scenario.verify(rings_complete);
    scenario.verify_nothing_is_staged();
    if (testing::Test::HasFailure()) ADD_FAILURE() << scenario.summary();
    return fired;
  }

  static std::unique_ptr<TemporaryDirectory> earlier_;
  static std::unique_ptr<FaultScenario> earlier_run_;
};

std::unique_ptr<TemporaryDirectory> IoFaults::earlier_;
std::unique_ptr<FaultScenario> IoFaults::earlier_run_;

TEST_P(IoFaults, NothingAcknowledgedIsLostWhicheverOperationFails) {
  for (const bool fresh : {false, true}) {
    for (const Lasts lasts : {Lasts::kOnce, Lasts::kUntilHealed, Lasts::kThroughStop}) {
      if (!long_form() && fresh && lasts != Lasts::kOnce) continue;
      // The short form: places ever farther apart.
      const uint64_t factor = long_form() ? 1 : lasts == Lasts::kOnce ? 3 : 5;
      uint64_t nth = 1;
      for (bool met = true; met; nth = nth * factor + 1) {
        IoFault fault = GetParam().fault;
        fault.nth = nth;
        met = run(fault, lasts, fresh);
        if (HasFailure()) {
          FAIL() << GetParam().name << " number " << nth << ", lasting form " << int(lasts)
                 << (fresh ? ", new files" : ", files of an earlier run");
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Each, IoFaults, testing::ValuesIn(kCases),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace eventd::engine
