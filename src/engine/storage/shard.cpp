#include "engine/storage/shard.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "clock.h"
#include "engine/limits.h"
#include "engine/storage/shard_impl.h"
#include "log.h"

namespace eventd::engine {
namespace {

void bind_guid(sqlite3_stmt* statement, int parameter, const uint8_t* guid) {
  if (guid) {
    sqlite3_bind_blob(statement, parameter, guid, 16, SQLITE_STATIC);
  } else {
    sqlite3_bind_null(statement, parameter);
  }
}

}  // namespace

Shard::Shard(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Shard::~Shard() {
  if (impl_->connection.in_transaction()) rollback();
}

int64_t Shard::Impl::tail_capacity(size_t index) const {
  return working.tails[index].number < kTailTables ? int64_t{kTailRowsMax}
                                                   : event_schema::kOverflowTailRowsMax;
}

Status Shard::Impl::next_tail() {
  for (size_t i = 0; i < working.tails.size(); ++i) {
    if (working.tails[i].row_count == 0 && working.tails[i].id_base == 0) {
      current = i;
      return select_insert();
    }
  }
  if (working.tails.size() >= event_schema::kTailsMax) {
    // No more tables: the last tail that takes rows goes on growing.
    return {};
  }
  TailInfo tail;
  tail.number = next_tail_number;
  tail.zones = std::make_shared<TailZones>();
  tail.readers = std::make_shared<char>();
  RETURN_IF_ERROR(connection.exec(
      event_schema::create_tail_sql(tail.number) +
      fmt::format("INSERT INTO tails VALUES({},1,0);", tail.number)));
  ++next_tail_number;
  working.tails.push_back(tail);
  current = working.tails.size() - 1;
  RETURN_IF_ERROR(recreate_view());
  return select_insert();
}

Status Shard::Impl::recreate_view() {
  return connection.exec(event_schema::create_view_sql(working.tails));
}

Status Shard::Impl::select_insert() {
  const uint32_t number = working.tails[current].number;
  for (auto& [known, statement] : inserts) {
    if (known == number) {
      current_insert = statement.raw();
      return {};
    }
  }
  if (inserts.size() > kTailTables) inserts.erase(inserts.begin());
  ASSIGN_OR_RETURN(auto statement, connection.prepare(event_schema::insert_sql(number)));
  current_insert = statement.raw();
  inserts.emplace_back(number, std::move(statement));
  return {};
}

Status Shard::begin() {
  RETURN_IF_ERROR(impl_->ensure_connected());
  // FULL again in case staging could not set it back: commit() promises durability.
  RETURN_IF_ERROR(impl_->relax_sync(false));
  return impl_->begin.run();
}

Status Shard::append(const EventRow& row) {
  Impl& impl = *impl_;
  if (impl.working.tails[impl.current].row_count >= impl.tail_capacity(impl.current)) {
    RETURN_IF_ERROR(impl.next_tail());
  }
  TailInfo& tail = impl.working.tails[impl.current];
  const int64_t id = impl.working.last_id + 1;
  RETURN_IF_ERROR(impl.insert(impl.current_insert, id - tail.id_base, row));
  if (tail.row_count == 0) tail.first_rowid = id;
  tail.last_rowid = id;
  ++tail.row_count;
  tail.timestamp_min_ns = std::min(tail.timestamp_min_ns, row.timestamp_ns);
  tail.timestamp_max_ns = std::max(tail.timestamp_max_ns, row.timestamp_ns);
  impl.zones.add(tail.zones, id - tail.id_base, row);
  impl.working.last_id = id;
  ++impl.rows_in_transaction;
  return {};
}

Status Shard::Impl::insert(sqlite3_stmt* statement, int64_t rowid, const EventRow& row) {
  sqlite3_bind_int64(statement, 1, rowid);
  sqlite3_bind_blob(statement, 2, row.boot_id, 16, SQLITE_STATIC);
  sqlite3_bind_int64(statement, 3, row.timestamp_ns);
  if (row.cpu_id) {
    sqlite3_bind_int(statement, 4, *row.cpu_id);
  } else {
    sqlite3_bind_null(statement, 4);
  }
  if (row.sequence) {
    sqlite3_bind_int64(statement, 5, static_cast<int64_t>(*row.sequence));
  } else {
    sqlite3_bind_null(statement, 5);
  }
  if (row.origin_class) {
    sqlite3_bind_int(statement, 6, *row.origin_class);
  } else {
    sqlite3_bind_null(statement, 6);
  }
  sqlite3_bind_text(statement, 7, row.event_type.data() ? row.event_type.data() : "",
                    static_cast<int>(row.event_type.size()), SQLITE_STATIC);
  bind_guid(statement, 8, row.effective_token_guid);
  bind_guid(statement, 9, row.true_token_guid);
  bind_guid(statement, 10, row.process_guid);
  if (row.payload.empty()) {
    sqlite3_bind_null(statement, 11);
  } else {
    sqlite3_bind_blob64(statement, 11, row.payload.data(), row.payload.size(), SQLITE_STATIC);
  }
  const int rc = sqlite3_step(statement);
  if (rc != SQLITE_DONE) {
    Status status = connection.error(sqlite3_extended_errcode(connection.raw()),
                                     fmt::format("could not write to \"{}\"", options.path));
    sqlite3_reset(statement);
    return status;
  }
  sqlite3_reset(statement);
  if (!known_types.contains(row.event_type)) return remember_type(row.event_type);
  return {};
}

Status Shard::Impl::remember_type(std::string_view type) {
  insert_type.bind_text(1, type);
  RETURN_IF_ERROR(insert_type.run());
  if (known_types.size() < kKnownTypesMax) {
    known_types.emplace(type);
    types_in_transaction.emplace_back(type);
  }
  return {};
}

Status Shard::commit() {
  Impl& impl = *impl_;
  if (Status status = impl.commit.run(); !status.ok()) {
    rollback();
    Error error = std::move(status).take_error();
    error.message = fmt::format("could not commit to \"{}\": {}", impl.options.path, error.message);
    return error;
  }
  impl.publish();
  return {};
}

void Shard::Impl::publish() {
  zones.flush();
  types_in_transaction.clear();
  std::erase_if(staged, [](const auto& entry) { return entry.second.published; });
  published = std::make_shared<const ShardView>(working);
  published_current = current;
  committed_rows.fetch_add(rows_in_transaction, std::memory_order_relaxed);
  rows_in_transaction = 0;
  wal_bytes.store(wal_pages * wal_frame_bytes, std::memory_order_relaxed);
  std::lock_guard lock(*latch);
  file->set_view(published);
  // Release: who sees the id may rely on the rows being in the file. Pairs with committed_id().
  committed_id.store(working.last_id, std::memory_order_release);
}

void Shard::rollback() {
  Impl& impl = *impl_;
  // A failed write may have ended the transaction already.
  if (impl.connection.in_transaction()) {
    if (Status status = impl.rollback.run(); !status.ok()) {
      log::error(fmt::format("\"{}\": rollback: {}", impl.options.path, status.error().message));
    }
  }
  impl.restore();
}

void Shard::Impl::restore() {
  for (const std::string& type : types_in_transaction) known_types.erase(type);
  types_in_transaction.clear();
  for (auto& [id, tail] : staged) tail.published = false;
  working = *published;
  current = published_current;
  rows_in_transaction = 0;
  if (!connection) return;
  // Tables made by the transaction are gone, and with them what was prepared on them.
  std::erase_if(inserts, [this](const auto& entry) {
    return std::none_of(working.tails.begin(), working.tails.end(),
                        [&](const TailInfo& tail) { return tail.number == entry.first; });
  });
  if (Status status = select_insert(); !status.ok()) {
    log::error(fmt::format("\"{}\": {}", options.path, status.error().message));
  }
}

Status Shard::limit_pages_for_test(int64_t pages) {
  return impl_->connection.exec(fmt::format("PRAGMA max_page_count={};", pages));
}

sqlite::Connection& Shard::connection() { return impl_->connection; }

const std::string& Shard::path() const { return impl_->options.path; }
uint32_t Shard::index() const { return impl_->options.index; }
const std::shared_ptr<ShardFile>& Shard::file() const { return impl_->file; }
bool Shard::damage_reported() const { return impl_->file->damage_reported(); }
void Shard::set_wal_size_limit(int64_t bytes) {
  impl_->wal_size_limit_bytes.store(bytes, std::memory_order_relaxed);
}
// Acquire: pairs with the release in publish().
int64_t Shard::committed_id() const { return impl_->committed_id.load(std::memory_order_acquire); }
uint64_t Shard::committed_rows() const {
  return impl_->committed_rows.load(std::memory_order_relaxed);
}
uint64_t Shard::wal_bytes() const { return impl_->wal_bytes.load(std::memory_order_relaxed); }

}  // namespace eventd::engine
