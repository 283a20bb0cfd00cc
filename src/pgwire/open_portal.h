// A portal as the protocol has it: the engine's portal, result formats, and rows not sent yet.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/session/session.h"
#include "pgwire/copy_encoder.h"
#include "pgwire/value_codec.h"
#include "result.h"

namespace eventd::pgwire {

/// Belongs to the session's thread, or to the scan pool while a PortalStep runs.
struct OpenPortal {
  std::shared_ptr<const engine::Prepared> prepared;
  /// Null once its transaction failed.
  std::unique_ptr<engine::Portal> portal;
  std::vector<int16_t> formats;
  RowEncoder rows;
  std::unique_ptr<CopyEncoder> copy;  ///< COPY TO STDOUT only
  engine::Batch batch;
  uint32_t next_row = 0;
  bool done = false;
  bool started = false;  ///< an Execute has begun

  /// Appends held rows to `out` until `row_limit` (0 = all; counted in `rows_sent`) or `bytes_max`
  /// is reached. Returns false if rows are left over.
  bool encode_held(uint64_t row_limit, uint64_t& rows_sent, size_t bytes_max, std::string& out);
  /// Takes the rows just delivered into `batch`.
  void begin_batch();
};

/// One bounded piece of work on the scan pool: rows are fetched and encoded until the buffer is
/// full, the row limit is reached, or the portal ends or waits.
struct PortalStep {
  enum class Outcome : uint8_t { kFull, kLimit, kDone, kWaiting, kError };
  std::string buffer;
  Outcome outcome = Outcome::kFull;
  std::optional<Error> error;
  uint64_t rows_sent = 0;

  void run(OpenPortal& portal, uint64_t row_limit, const engine::Wake& wake);
};

/// Bytes of rows gathered before they are sent.
inline constexpr size_t kOutputBytesHigh = 128 * 1024;

}  // namespace eventd::pgwire
