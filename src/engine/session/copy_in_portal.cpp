// COPY events FROM STDIN: bytes → rows → msgpack → the transaction.
#include "engine/session/copy_row_reader.h"
#include "engine/session/portals.h"
#include "kmes/validate.h"

namespace eventd::engine {
namespace {

const std::vector<OutputColumn> kNoColumns;
constexpr size_t kContextBytesMax = 100;  // as PostgreSQL's COPY context lines

class EventCopyIn final : public CopyIn {
 public:
  EventCopyIn(SessionImpl& session, std::shared_ptr<const Prepared> prepared,
              const CopyStatement& copy, CopyRowReader reader, EventTransaction& transaction)
      : prepared_(std::move(prepared)),
        copy_(copy),
        reader_(std::move(reader)),
        transaction_(transaction),
        sink_(transaction, session.event_row_limits()) {
    for (size_t i = 0; i < copy.columns.size(); ++i) {
      (copy.columns[i] == "event_type" ? type_column_ : payload_column_) = static_cast<int>(i);
    }
  }

  Result<Progress> consume(ByteSpan bytes, Wake wake) override {
    if (!transaction_.ready_for_more(std::move(wake))) return Progress::kWaiting;
    reader_.append(bytes);
    RETURN_IF_ERROR(add_rows());
    return Progress::kDone;
  }
  Status finish() override {
    reader_.finish();
    return add_rows();
  }
  int format_code() const override { return 0; }
  int column_count() const override { return static_cast<int>(copy_.columns.size()); }
  uint64_t rows() const { return rows_; }

 private:
  Status add_rows() {
    while (true) {
      Result<bool> row = reader_.next(fields_);
      if (!row.ok()) return with_context(std::move(row).take_status(), -1);
      if (!*row) return {};
      RETURN_IF_ERROR(add_row());
      ++rows_;
    }
  }

  Status add_row() {
    if (fields_.size() < copy_.columns.size()) {
      return with_context(Status(sqlstate::kBadCopyFileFormat, "missing data for column \"" +
                                                                   copy_.columns[fields_.size()] + "\""),
                          -1);
    }
    if (fields_.size() > copy_.columns.size()) {
      return with_context(
          Status(sqlstate::kBadCopyFileFormat, "extra data after last expected column"), -1);
    }
    const CopyField& type = fields_[static_cast<size_t>(type_column_)];
    if (!type) {
      return with_context(Status(sqlstate::kNotNullViolation,
                                 "null value in column \"event_type\" of relation \"events\" "
                                 "violates not-null constraint"),
                          -1);
    }
    const CopyField payload =
        payload_column_ < 0 ? CopyField{} : fields_[static_cast<size_t>(payload_column_)];
    Status status = payload ? sink_.add_json(*type, *payload) : sink_.add(*type, {});
    if (status.ok()) return status;
    return with_context(std::move(status), payload ? payload_column_ : type_column_);
  }

  // `COPY events, line 3, column payload: "…"`, as PostgreSQL.
  Status with_context(Status status, int column) const {
    std::string context = "COPY " + copy_.relation + ", line " + std::to_string(reader_.line());
    // A message to the client must be UTF-8, whatever the field is.
    const CopyField field = column >= 0 ? fields_[static_cast<size_t>(column)] : CopyField{};
    if (field && kmes_utf8_valid(reinterpret_cast<const uint8_t*>(field->data()), field->size())) {
      const std::string_view text = *field;
      context += ", column " + copy_.columns[static_cast<size_t>(column)] + ": \"";
      if (text.size() > kContextBytesMax) {
        size_t end = kContextBytesMax;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
        context += std::string(text.substr(0, end)) + "...\"";
      } else {
        context += std::string(text) + "\"";
      }
    }
    status.error().context = std::move(context);
    status.error().position = 0;
    return status;
  }

  std::shared_ptr<const Prepared> prepared_;  // owns copy_
  const CopyStatement& copy_;
  CopyRowReader reader_;
  EventTransaction& transaction_;
  EventRowSink sink_;
  std::vector<CopyField> fields_;
  int type_column_ = -1, payload_column_ = -1;
  uint64_t rows_ = 0;
};

class CopyInPortal final : public Portal {
 public:
  explicit CopyInPortal(std::unique_ptr<EventCopyIn> copy) : copy_(std::move(copy)) {}
  Kind kind() const override { return Kind::kCopyIn; }
  const std::vector<OutputColumn>& columns() const override { return kNoColumns; }
  bool is_short() const override { return true; }
  Result<Progress> advance(Batch&, Wake) override { return Progress::kDone; }
  std::string command_tag(uint64_t) const override { return "COPY " + std::to_string(copy_->rows()); }
  CopyIn* copy_in() override { return copy_.get(); }

 private:
  std::unique_ptr<EventCopyIn> copy_;
};

}  // namespace

Result<std::unique_ptr<Portal>> make_copy_in_portal(SessionImpl& session,
                                                    std::shared_ptr<const Prepared> prepared,
                                                    const CopyStatement& copy) {
  ASSIGN_OR_RETURN(CopyRowReader reader, CopyRowReader::make(copy));
  ASSIGN_OR_RETURN(EventTransaction * transaction, session.events_for_insert(true));
  return std::unique_ptr<Portal>(std::make_unique<CopyInPortal>(std::make_unique<EventCopyIn>(
      session, std::move(prepared), copy, std::move(reader), *transaction)));
}

}  // namespace eventd::engine
