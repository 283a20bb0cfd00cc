#include "engine/ingest/resume.h"

#include <algorithm>
#include <map>
#include <utility>

namespace eventd::engine {

Resume plan_resume(std::span<const ReceiptRange> receipts, const Guid& boot_id, const Guid& epoch) {
  Resume resume;
  std::map<uint16_t, std::vector<std::pair<uint64_t, uint64_t>>> ranges;
  std::map<std::array<uint8_t, 16>, uint64_t> runs;  // by boot
  for (const ReceiptRange& receipt : receipts) {
    if (receipt.first == 0 || receipt.first > receipt.last) continue;  // damaged: covers nothing
    if (receipt.cpu_id == kRunCpuId) {
      uint64_t& run = runs[receipt.boot_id.bytes];
      run = std::max(run, receipt.last);
    } else if (receipt.boot_id == boot_id && (receipt.epoch == epoch || receipt.epoch.is_zero())) {
      ranges[receipt.cpu_id].emplace_back(receipt.first, receipt.last);
    }
  }
  for (auto& [cpu, covered] : ranges) {
    resume.restart = true;
    std::sort(covered.begin(), covered.end());
    uint64_t last = 0;
    for (const auto& [first_covered, last_covered] : covered) {
      if (first_covered > last + 1) resume.holes.add(cpu, last + 1, first_covered - 1);
      last = std::max(last, last_covered);
    }
    resume.last[cpu] = last;
  }
  const auto run_receipt = [](const Guid& boot, uint64_t run) {
    return ReceiptRange{.boot_id = boot, .epoch = {}, .cpu_id = kRunCpuId, .first = run, .last = run};
  };
  uint64_t run = 0;
  for (const auto& [boot_bytes, last_run] : runs) {
    const Guid boot{boot_bytes};
    if (last_run % 2 == 1) resume.clean = false;
    if (boot == boot_id) {
      resume.restart = true;
      run = last_run + last_run % 2;
    } else if (last_run % 2 == 1) {
      // Told once: counted as ended from now on.
      resume.startup_receipts.push_back(run_receipt(boot, last_run + 1));
    }
  }
  if (run != 0) {
    // Closes a run that ended without a word, so that the ranges stay one.
    resume.startup_receipts.push_back(run_receipt(boot_id, run));
  }
  resume.startup_receipts.push_back(run_receipt(boot_id, run + 1));
  resume.shutdown_receipt = run_receipt(boot_id, run + 2);
  if (!resume.holes.empty()) resume.clean = false;
  return resume;
}

}  // namespace eventd::engine
