#include "pgwire/open_portal.h"

namespace eventd::pgwire {

void OpenPortal::begin_batch() {
  next_row = 0;
  if (copy != nullptr) copy->set_batch(batch);
  else rows.set_batch(batch);
}

bool OpenPortal::encode_held(uint64_t row_limit, uint64_t& rows_sent, size_t bytes_max,
                             std::string& out) {
  uint32_t end = batch.size;
  if (row_limit != 0) {
    const uint64_t left = row_limit - rows_sent;
    if (end - next_row > left) end = next_row + static_cast<uint32_t>(left);
  }
  const uint32_t begin = next_row;
  if (copy != nullptr) {
    while (next_row < end && out.size() < bytes_max) copy->append_row(next_row++, out);
  } else {
    while (next_row < end && out.size() < bytes_max) rows.append_data_row(next_row++, out);
  }
  rows_sent += next_row - begin;
  return next_row == batch.size;
}

void PortalStep::run(OpenPortal& open, uint64_t row_limit, const engine::Wake& wake) {
  for (;;) {
    const bool all = open.encode_held(row_limit, rows_sent, kOutputBytesHigh, buffer);
    if (row_limit != 0 && rows_sent >= row_limit) {
      outcome = Outcome::kLimit;
      return;
    }
    if (!all || buffer.size() >= kOutputBytesHigh) {
      outcome = Outcome::kFull;
      return;
    }
    open.next_row = open.batch.size = 0;
    Result<engine::Progress> progress = open.portal->advance(open.batch, wake);
    if (!progress.ok()) {
      error = std::move(progress.error());
      outcome = Outcome::kError;
      return;
    }
    if (*progress != engine::Progress::kRows) {
      open.next_row = open.batch.size = 0;
      outcome = *progress == engine::Progress::kDone ? Outcome::kDone : Outcome::kWaiting;
      return;
    }
    open.begin_batch();
  }
}

}  // namespace eventd::pgwire
