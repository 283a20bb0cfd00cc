// Gives back the bytes of payloads from a segment's shapes and columns.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/segments/payload_rows.h"

namespace eventd::engine {

/// The encoded payload columns of a segment. Borrowed.
struct PayloadColumnBytes {
  ByteSpan shape_ids;
  std::vector<ByteSpan> columns;  ///< as many as there are column keys
  ByteSpan rest;
};

/// Ascending rows cost least: blocks are decoded once and places counted on. Borrows the shapes, the
/// column keys and all bytes; owned by one thread.
class PayloadRebuilder {
 public:
  /// XX001.
  static Result<PayloadRebuilder> open(const std::vector<PayloadColumnKey>& keys,
                                       const std::vector<PayloadShape>& shapes,
                                       const PayloadColumnBytes& bytes, uint32_t rows);
  PayloadRebuilder(PayloadRebuilder&&) noexcept;
  PayloadRebuilder& operator=(PayloadRebuilder&&) noexcept;
  ~PayloadRebuilder();

  /// Appends the row's payload; nothing when it has none. XX001. REQUIRES: row < rows.
  Status append(uint32_t row, std::string& out);
  const PayloadRows& rows() const;

 private:
  struct Impl;
  explicit PayloadRebuilder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace eventd::engine
