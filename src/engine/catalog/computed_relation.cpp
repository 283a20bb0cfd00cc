#include "engine/catalog/computed_relation.h"

#include <mutex>

namespace eventd::engine {
namespace {

// All cursors of a scan share one position: whichever asks next gets the next rows.
struct SharedRows {
  std::mutex mutex;
  std::vector<ComputedRelation::Row> rows;  // guarded by mutex
  size_t next = 0;                          // guarded by mutex
  ScanCounters counters;                    // guarded by mutex
};

class ComputedCursor final : public ScanCursor {
 public:
  ComputedCursor(std::shared_ptr<SharedRows> shared, const ScanRequest& request)
      : shared_(std::move(shared)), request_(request) {
    for (const ScanColumn& column : request_.columns) types_.push_back(column.type.id);
  }

  Result<bool> next(Batch& batch) override {
    if (request_.cancel != nullptr) RETURN_IF_ERROR(request_.cancel->check());
    const std::lock_guard lock(shared_->mutex);
    BatchBuilder builder(types_);
    while (!builder.full() && shared_->next < shared_->rows.size()) {
      const auto& row = shared_->rows[shared_->next++];
      const uint32_t at = builder.add_row();
      for (size_t i = 0; i < request_.columns.size(); ++i) {
        builder.column(i).set_datum(at, row[static_cast<size_t>(request_.columns[i].column)]);
      }
    }
    if (builder.size() == 0) return false;
    shared_->counters.rows_read += builder.size();
    shared_->counters.rows_returned += builder.size();
    batch = builder.take();
    return true;
  }

 private:
  std::shared_ptr<SharedRows> shared_;
  ScanRequest request_;
  std::vector<Oid> types_;
};

class ComputedScan final : public Scan {
 public:
  ComputedScan(std::vector<ComputedRelation::Row> rows, ScanRequest request)
      : shared_(std::make_shared<SharedRows>()), request_(std::move(request)) {
    shared_->rows = std::move(rows);
  }
  Result<std::unique_ptr<ScanCursor>> open_worker() override {
    return std::unique_ptr<ScanCursor>(std::make_unique<ComputedCursor>(shared_, request_));
  }
  size_t partitions() const override { return 1; }
  Result<std::unique_ptr<ScanCursor>> open_partition(size_t) override { return open_worker(); }
  ScanCounters counters() const override {
    const std::lock_guard lock(shared_->mutex);
    return shared_->counters;
  }

 private:
  std::shared_ptr<SharedRows> shared_;
  ScanRequest request_;
};

}  // namespace

ComputedRelation::ComputedRelation(std::string schema, std::string name, Oid id,
                                   std::vector<RelationColumn> columns, Rows rows,
                                   Tells tells)
    : schema_(std::move(schema)),
      name_(std::move(name)),
      id_(id),
      columns_(std::move(columns)),
      rows_(std::move(rows)),
      tells_(tells) {}

Result<std::unique_ptr<Scan>> ComputedRelation::scan(ScanRequest request) const {
  for (const ScanColumn& column : request.columns) {
    if (column.extract != ScanColumn::Extract::kNone) {
      return Status(sqlstate::kFeatureNotSupported, "paths into " + name_ + " are not supported");
    }
  }
  const bool withheld = tells_ == Tells::kOfEvents &&
                        (request.access == nullptr || !request.access->sees_everything());
  std::vector<Row> rows;
  if (!withheld) rows = rows_();
  return std::unique_ptr<Scan>(std::make_unique<ComputedScan>(std::move(rows), std::move(request)));
}

}  // namespace eventd::engine
