// Work on a shard's file between batches: turns, bounds, errors, the end.
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "engine/ingest/maintenance_queue.h"
#include "tests/unit/ingest/ingest_fixture.h"

namespace eventd::engine {
namespace {

/// Takes `steps` steps; the last one says that it is finished, or fails.
class CountingTask final : public MaintenanceTask {
 public:
  explicit CountingTask(int steps, Status failure = {}) : steps_(steps), failure_(std::move(failure)) {}

  Result<Progress> step(Shard& shard, const std::atomic<bool>&) override {
    {
      const std::lock_guard lock(mutex_);
      EXPECT_FALSE(ended_);
      thread_ = std::this_thread::get_id();
      shard_ = shard.index();
    }
    if (hold_) held_.wait(true);
    if (++taken_ < steps_) return Progress::kMore;
    if (!failure_.ok()) return std::move(failure_);
    return Progress::kFinished;
  }
  void ended(Status status) override {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(ended_);
    ended_ = true;
    status_ = std::move(status);
    changed_.notify_all();
  }

  std::string wait_ended() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_; });
    return status_.ok() ? "00000" : std::string(status_.error().code.text());
  }
  /// Its next step waits until let_go().
  void hold() { hold_ = true; }
  void let_go() {
    hold_ = false;
    held_ = false;
    held_.notify_all();
  }
  int taken() const { return taken_; }
  bool has_ended() {
    const std::lock_guard lock(mutex_);
    return ended_;
  }
  std::thread::id thread() {
    const std::lock_guard lock(mutex_);
    return thread_;
  }
  uint32_t shard() {
    const std::lock_guard lock(mutex_);
    return shard_;
  }

 private:
  const int steps_;
  Status failure_;
  std::atomic<int> taken_{0};
  std::atomic<bool> hold_{false}, held_{true};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;         // GUARDED_BY(mutex_)
  Status status_;              // GUARDED_BY(mutex_)
  std::thread::id thread_;     // GUARDED_BY(mutex_)
  uint32_t shard_ = UINT32_MAX;  // GUARDED_BY(mutex_)
};

class MaintenanceOfShards : public IngestTest {
 protected:
  void insert(const char* type) {
    auto transaction = begin();
    ASSERT_OK(transaction->add(type, payload()));
    CommitWaiter waiter;
    transaction->submit(waiter.callback());
    ASSERT_OK(waiter.wait());
  }
};

TEST_F(MaintenanceOfShards, RunsToItsEndOnTheThreadOfTheShard) {
  open(2, 1);
  start();
  const auto first = std::make_shared<CountingTask>(100), second = std::make_shared<CountingTask>(1);
  const auto other = std::make_shared<CountingTask>(1);
  ingest_->post_maintenance(1, first);
  ingest_->post_maintenance(1, second);
  ingest_->post_maintenance(0, other);
  EXPECT_EQ(first->wait_ended(), "00000");
  EXPECT_EQ(second->wait_ended(), "00000");
  EXPECT_EQ(other->wait_ended(), "00000");
  EXPECT_EQ(first->taken(), 100);
  EXPECT_EQ(first->shard(), 1u);
  EXPECT_EQ(first->thread(), second->thread());
  EXPECT_NE(first->thread(), other->thread());
  EXPECT_NE(first->thread(), std::this_thread::get_id());
}

TEST_F(MaintenanceOfShards, MakesProgressWhileRowsKeepComing) {
  open(1, 1);
  start();
  std::atomic<bool> done{false};
  std::thread emitter([&] {
    const std::vector<kmes::EmitEntry> entries(100, {"test.load", payload()});
    while (!done) ASSERT_TRUE(rings_->emit_lossless(entries, {}));
  });
  const auto task = std::make_shared<CountingTask>(50);
  ingest_->post_maintenance(0, task);
  EXPECT_EQ(task->wait_ended(), "00000");
  done = true;
  emitter.join();
  const uint64_t emitted = rings_->emitted_count();
  close();
  EXPECT_EQ(files_.sum("SELECT count(*) FROM events WHERE event_type='test.load'"), emitted);
}

TEST_F(MaintenanceOfShards, RowsAreCommittedBetweenItsSteps) {
  open(1, 1);
  start();
  const auto task = std::make_shared<CountingTask>(1 << 30);  // without end
  ingest_->post_maintenance(0, task);
  for (int i = 0; i < 20; ++i) insert("test.between");
  EXPECT_FALSE(task->has_ended());
  EXPECT_GT(task->taken(), 0);
  ingest_->stop();
  EXPECT_EQ(task->wait_ended(), "57P01");
}

TEST_F(MaintenanceOfShards, AnErrorEndsTheTaskAndNothingElse) {
  open(1, 1);
  start();
  const auto failing =
      std::make_shared<CountingTask>(3, Status(sqlstate::kIoError, "the third step fails"));
  const auto other = std::make_shared<CountingTask>(10);
  ingest_->post_maintenance(0, failing);
  ingest_->post_maintenance(0, other);
  EXPECT_EQ(failing->wait_ended(), "58030");
  EXPECT_EQ(other->wait_ended(), "00000");
  EXPECT_EQ(failing->taken(), 3);
  insert("test.after");
}

/// Leaves a transaction open with its error.
class CarelessTask final : public MaintenanceTask {
 public:
  Result<Progress> step(Shard& shard, const std::atomic<bool>&) override {
    RETURN_IF_ERROR(shard.begin());
    return {sqlstate::kIoError, "in the middle"};
  }
  void ended(Status status) override { code = std::string(status.error().code.text()); }
  std::string code;
};

TEST_F(MaintenanceOfShards, WhatAFailedStepLeftOpenIsRolledBack) {
  open(1, 1);
  start();
  const auto task = std::make_shared<CarelessTask>();
  ingest_->post_maintenance(0, task);
  insert("test.after");
  ingest_->stop();
  EXPECT_EQ(task->code, "58030");
}

TEST_F(MaintenanceOfShards, OnlySoManyTasksWait) {
  open(1, 1);
  start();
  const auto first = std::make_shared<CountingTask>(2);
  first->hold();
  ingest_->post_maintenance(0, first);
  std::vector<std::shared_ptr<CountingTask>> waiting;
  for (uint32_t i = 1; i < kMaintenanceTasksMax; ++i) {
    waiting.push_back(std::make_shared<CountingTask>(1));
    ingest_->post_maintenance(0, waiting.back());
    EXPECT_FALSE(waiting.back()->has_ended());
  }
  const auto refused = std::make_shared<CountingTask>(1);
  ingest_->post_maintenance(0, refused);
  EXPECT_TRUE(refused->has_ended());
  EXPECT_EQ(refused->wait_ended(), "53000");
  EXPECT_EQ(refused->taken(), 0);
  first->let_go();
  for (auto& task : waiting) EXPECT_EQ(task->wait_ended(), "00000");
  EXPECT_EQ(first->wait_ended(), "00000");
  // There is room again.
  const auto later = std::make_shared<CountingTask>(1);
  ingest_->post_maintenance(0, later);
  EXPECT_EQ(later->wait_ended(), "00000");
}

TEST_F(MaintenanceOfShards, EveryTaskIsToldOfTheEnd) {
  open(1, 1);
  start();
  const auto nowhere = std::make_shared<CountingTask>(1);
  ingest_->post_maintenance(1, nowhere);
  EXPECT_EQ(nowhere->wait_ended(), "22023");
  std::vector<std::shared_ptr<CountingTask>> tasks;
  std::atomic<bool> done{false};
  std::thread poster([&] {
    while (!done) {
      tasks.push_back(std::make_shared<CountingTask>(1000));
      ingest_->post_maintenance(0, tasks.back());
    }
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  ingest_->stop();
  done = true;
  poster.join();
  const auto late = std::make_shared<CountingTask>(1);
  ingest_->post_maintenance(0, late);
  EXPECT_EQ(late->wait_ended(), "57P01");
  for (auto& task : tasks) EXPECT_TRUE(task->has_ended());
}

class SteppingClock final : public Clock {
 public:
  int64_t realtime_ns() const override { return now; }
  int64_t monotonic_ns() const override { return now; }
  mutable int64_t now = 1;
};

/// A step lasts 5 ms of the clock.
class SlowTask final : public MaintenanceTask {
 public:
  explicit SlowTask(SteppingClock& clock, std::string& log, char name)
      : clock_(clock), log_(log), name_(name) {}
  Result<Progress> step(Shard&, const std::atomic<bool>&) override {
    clock_.now += 5'000'000;
    log_ += name_;
    return Progress::kMore;
  }
  void ended(Status) override {}

 private:
  SteppingClock& clock_;
  std::string& log_;
  const char name_;
};

TEST(MaintenanceQueue, TakesATenthOfTheTimeUnderLoadInTurns) {
  const TemporaryDirectory directory;
  auto shard = Shard::open({.path = directory.path() + "/shard-0000.db", .index = 0});
  ASSERT_OK(shard);
  SteppingClock clock;
  MaintenanceQueue queue(clock);
  std::string log;
  for (const char name : {'a', 'b', 'c'}) {
    ASSERT_TRUE(queue.reserve());
    queue.add(std::make_shared<SlowTask>(clock, log, name));
  }
  const std::atomic<bool> rows_wait{false};
  const int64_t end_ns = 1'000'000'000;
  while (clock.now < end_ns) {
    clock.now += 1'000'000;  // a batch
    if (queue.due_under_load()) ASSERT_OK(queue.step(**shard, rows_wait));
  }
  EXPECT_EQ(log.substr(0, 6), "abcabc");
  EXPECT_NEAR(static_cast<double>(log.size()), 20, 1);  // 100 ms of a second
  queue.end_all(Status(sqlstate::kAdminShutdown, "end").error());
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace eventd::engine
