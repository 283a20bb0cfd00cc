#include "engine/ingest/resume.h"

#include <algorithm>
#include <array>
#include <map>

#include "engine/limits.h"

namespace eventd::engine {

namespace {

/// A damaged one covers nothing.
bool is_valid(const ReceiptRange& receipt) {
  return receipt.first != 0 && receipt.first <= receipt.last && receipt.last < UINT64_MAX;
}

/// Sequences of SQL rows and of runs don't depend on the rings' epoch.
bool is_of(const ReceiptRange& receipt, const Guid& boot_id, const Guid& epoch) {
  return receipt.boot_id == boot_id &&
         (receipt.cpu_id >= kSqlCpuIdBase ? receipt.epoch.is_zero() : receipt.epoch == epoch);
}

/// A boot's id as another GUID (RFC 4122's custom version 8).
Guid derived_boot_id(const Guid& boot_id) {
  auto rfc = boot_id.rfc_bytes();
  for (uint8_t& byte : rfc) byte = static_cast<uint8_t>(~byte);
  rfc[6] = static_cast<uint8_t>((rfc[6] & 0x0f) | 0x80);
  rfc[8] = static_cast<uint8_t>((rfc[8] & 0x3f) | 0x80);
  return Guid::from_rfc_bytes(rfc);
}

}  // namespace

Guid stamped_boot_id(std::span<const ReceiptRange> receipts, const Guid& boot_id, const Guid& epoch) {
  bool used_by_others = false;
  for (const ReceiptRange& receipt : receipts) {
    if (!is_valid(receipt) || receipt.cpu_id >= kSqlCpuIdBase || receipt.boot_id != boot_id) continue;
    if (receipt.epoch == epoch) return boot_id;
    used_by_others = true;
  }
  if (!used_by_others) return boot_id;
  return epoch.is_zero() ? derived_boot_id(boot_id) : epoch;
}

Coverage covered_by(std::span<const ReceiptRange> receipts, const Guid& boot_id, const Guid& epoch) {
  Coverage covered;
  for (const ReceiptRange& receipt : receipts) {
    if (is_valid(receipt) && is_of(receipt, boot_id, epoch))
      covered.add(receipt.cpu_id, receipt.first, receipt.last);
  }
  return covered;
}

Resume plan_resume(std::span<const ReceiptRange> receipts, const Guid& kernel_boot_id,
                   const Guid& epoch) {
  const Guid boot_id = stamped_boot_id(receipts, kernel_boot_id, epoch);
  Resume resume;
  resume.boot_id = boot_id;
  std::map<std::array<uint8_t, 16>, uint64_t> runs;  // by boot
  for (const ReceiptRange& receipt : receipts) {
    if (!is_valid(receipt) || receipt.cpu_id != kRunCpuId) continue;
    uint64_t& run = runs[receipt.boot_id.bytes];
    run = std::max(run, receipt.last);
  }
  for (const Coverage::Range& range : covered_by(receipts, boot_id, epoch).ranges()) {
    if (range.cpu_id == kRunCpuId) continue;
    resume.restart = true;
    uint64_t& last = resume.last[range.cpu_id];
    if (range.first > last + 1) resume.holes.add(range.cpu_id, last + 1, range.first - 1);
    last = range.last;
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
