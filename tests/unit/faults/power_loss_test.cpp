// The power goes at any moment: what was synced is there, of the rest any part, torn. What had been
// acknowledged by then must be there.
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>

#include "tests/support/faulty_vfs.h"
#include "tests/unit/faults/fault_scenario.h"

namespace eventd::engine {
namespace {

using test::FaultyVfs;
using test::IoKind;

class PowerLoss : public testing::Test {
 protected:
  static int runs() {
    const char* value = std::getenv("EVENTD_LONG_TESTS");
    return value && std::string_view(value) == "1" ? 2000 : 15;
  }
  static uint64_t writes_and_syncs() {
    return FaultyVfs::instance().count(IoKind::kWrite) + FaultyVfs::instance().count(IoKind::kSync);
  }
};

TEST_F(PowerLoss, WhatWasAcknowledgedIsStored) {
  FaultyVfs& vfs = FaultyVfs::instance();
  const TemporaryDirectory earlier;
  FaultScenario earlier_run(earlier.path());
  vfs.cut_power_at(UINT64_MAX);
  ASSERT_OK(earlier_run.start());
  earlier_run.traffic();
  earlier_run.stop();
  const uint64_t operations = writes_and_syncs();
  vfs.heal();
  ASSERT_FALSE(vfs.fired());
  ASSERT_GT(operations, 100u);

  for (int run = 0; run < runs(); ++run) {
    const uint64_t seed = 0x9e37'79b9'7f4a'7c15 * static_cast<uint64_t>(run + 1);
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const TemporaryDirectory directory;
    FaultScenario scenario(directory.path());
    if (run % 3 != 0) {
      std::filesystem::copy(earlier.path(), directory.path(),
                            std::filesystem::copy_options::recursive);
      scenario.continue_from(earlier_run);
    }
    // Power may go again while the first loss is being recovered from.
    for (int loss = 0; loss < 2; ++loss) {
      vfs.cut_power_at(1 + random() % operations);
      if (scenario.start().ok()) {
        scenario.traffic();
        scenario.stop();
      }
      vfs.restore_after_power_loss(random());
    }
    vfs.heal();
    ASSERT_OK(scenario.start());
    scenario.traffic();
    scenario.stop();
    scenario.verify(false);
    scenario.verify_nothing_is_staged();
    if (HasFailure()) FAIL() << scenario.summary();
  }
}

}  // namespace
}  // namespace eventd::engine
