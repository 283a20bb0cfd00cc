// A damaged file gives way to a fresh one. Spec: storage.md "Corruption".
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <utility>

#include "engine/storage/receipts.h"
#include "engine/storage/shard_files.h"
#include "engine/storage/shard_impl.h"
#include "log.h"

namespace eventd::engine {
namespace {

// Many slices. A reader that is still inside then goes on with the descriptors it has open.
constexpr std::chrono::seconds kReadersLeave{5};

}  // namespace

Status Shard::quarantine(const Error& why) {
  Impl& impl = *impl_;
  static Counter& quarantined = stats().counter("storage.quarantined");
  std::error_code error;
  // The fresh file could not be made the last time.
  if (!impl.connection && !std::filesystem::exists(path(), error)) return impl.connect();
  if (impl.connection) {
    if (impl.connection.in_transaction()) rollback();
    impl.carried.last_id = impl.published->last_id;
    // The receipts as far as they can be read: the fresh file goes on covering those sequences.
    impl.carried.receipts.clear();
    if (Status status = read_receipts(impl.connection, impl.carried.receipts); !status.ok()) {
      log::warning(fmt::format("\"{}\": receipts: {}", path(), status.error().message));
    }
    // Nothing is written to it any more, a checkpoint neither, and its WAL stays.
    sqlite3_db_config(impl.connection.raw(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  }
  const std::shared_ptr<ShardFile> old = impl.file;
  // Readers open files by name: none does while the name changes.
  (void)old->gate().close(kReadersLeave);
  if (impl.options.close_readers) impl.options.close_readers(*old);
  impl.staged_lost_below = impl.next_tail_number;
  impl.disconnect();
  auto aside = shard_files::set_aside(path(), shard_files::kCorrupt);
  if (!aside.ok()) {
    old->gate().open();
    log::error(fmt::format("\"{}\" is damaged ({}) and stays in use: {}", path(), why.message,
                           aside.error().message));
    return std::move(aside).take_status();
  }
  old->set_path(*aside);
  old->forbid_writes();
  {
    std::lock_guard lock(*impl.latch);
    const std::shared_ptr<const ShardView> seen = old->view();
    auto fresh = std::make_shared<ShardFile>(path(), index());
    fresh->set_view(std::make_shared<const ShardView>());
    impl.file = std::move(fresh);
    if (impl.options.take_over) impl.options.take_over(old, seen);
  }
  old->gate().open();
  quarantined.add();
  log::error(fmt::format("\"{}\" is damaged and was set aside as \"{}\": {}", path(), *aside,
                         why.message));
  return impl.connect();
}

}  // namespace eventd::engine
