// What the receipts of earlier runs say about where to go on. Spec: ingest.md "Receipts", "Boots".
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/ingest/coverage.h"
#include "engine/ingest/synthetic.h"
#include "engine/storage/shard.h"
#include "guid.h"

namespace eventd::engine {

/// The receipts' pseudo CPU that counts the server's runs in a boot: odd while it runs, even after
/// a clean stop. No ring and no shard has this number.
inline constexpr uint16_t kRunCpuId = 65'535;

/// Decided once, before any thread starts.
struct Resume {
  /// What rows and receipts are stamped with: the boot's id unless another epoch's sequences have it.
  Guid boot_id;
  /// Receipts of this boot exist.
  bool restart = false;
  /// No run ended without synthetic.shutdown, and nothing is missing below the highest receipts.
  bool clean = true;
  /// Highest covered sequence by CPU, of this boot.
  synthetic::SequenceByCpu last;
  /// Sequences below those that no shard covers: to be told as gaps.
  Coverage holes;
  /// To be written with synthetic.startup and synthetic.shutdown.
  std::vector<ReceiptRange> startup_receipts;
  ReceiptRange shutdown_receipt;
};

/// The boot id that events of `epoch` are stamped with. Sequences start over with an epoch, so if
/// `boot_id` is in use by another one, it is the epoch's own GUID; for zeros (user mode), which are no
/// GUID, one made from `boot_id`, the same at every start.
Guid stamped_boot_id(std::span<const ReceiptRange> receipts, const Guid& boot_id, const Guid& epoch);

/// What `receipts` cover of one boot and epoch, the server's own and those of SQL rows included.
Coverage covered_by(std::span<const ReceiptRange> receipts, const Guid& boot_id, const Guid& epoch);

/// `receipts`: of all shards together.
Resume plan_resume(std::span<const ReceiptRange> receipts, const Guid& kernel_boot_id,
                   const Guid& epoch);

}  // namespace eventd::engine
