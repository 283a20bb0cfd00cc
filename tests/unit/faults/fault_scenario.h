// The whole pipeline over real files, through everything that touches them: start, ring events, SQL
// transactions, a staged one, checkpoints, a scan, stop. It keeps book of what it was promised, so that
// verify() can hold the files against it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/ingest/event_ingest.h"
#include "engine/storage/shard_set.h"
#include "kmes/user_rings.h"
#include "tests/unit/ingest/ingest_fixture.h"

namespace eventd::engine {

/// One test thread. A scenario has one directory; start() and stop() may follow each other.
class FaultScenario {
 public:
  static constexpr uint32_t kShards = 2;
  static constexpr uint16_t kRings = 2;

  explicit FaultScenario(std::string directory) : directory_(std::move(directory)) {}

  /// Takes over the books of `earlier`, whose files the directory has a copy of. REQUIRES: stopped.
  void continue_from(const FaultScenario& earlier);
  /// Fails with the reason; everything is closed again then.
  Status start(uint32_t shards = kShards);
  /// Ring events and transactions; those of a failing store are booked as refused.
  void traffic();
  /// Waits until a transaction is acknowledged again. False: it never was.
  bool recovered();
  /// Closes all in order.
  void stop();
  /// Expects in the files what was acknowledged, once, refused transactions whole or not at all, and
  /// each sequence of a ring up to the last covered one either stored or in one gap record.
  /// `rings_complete`: and the last one is the last emitted. REQUIRES: stopped, healthy files.
  void verify(bool rings_complete);
  /// Expects that a start has removed the rows of transactions cut short. REQUIRES: as verify().
  void verify_nothing_is_staged();
  /// What happened, for messages.
  std::string summary() const;

 private:
  struct Transaction {
    int64_t rows = 0;
    bool acknowledged = false;
  };
  /// Commits rows of a type of its own and books the outcome.
  bool commit(int rows, size_t row_bytes, bool bulk, bool on_this_thread);
  void emit(unsigned cpu, int count);
  void scan();
  void verify_transactions(const ShardFiles& files);
  void verify_rings(const ShardFiles& files, bool rings_complete);

  std::string directory_;
  std::unique_ptr<ShardSet> shards_;
  std::unique_ptr<kmes::UserRings> rings_;
  std::unique_ptr<EventIngest> ingest_;
  std::map<std::string, Transaction> transactions_;  // by event type
  uint64_t emitted_ = 0;  // of all runs
  int refused_ = 0;
};

}  // namespace eventd::engine
