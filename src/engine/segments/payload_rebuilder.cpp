#include "engine/segments/payload_rebuilder.h"

#include "engine/payload/msgpack_reader.h"
#include "engine/segments/payload_column_cursor.h"

namespace eventd::engine {
struct PayloadRebuilder::Impl {
  const std::vector<PayloadShape>& shapes;
  PayloadRows rows;
  std::vector<std::unique_ptr<PayloadColumnCursor>> cursors;  // the last is the rest
  std::vector<uint32_t> places;  // of the next value of each column
  uint32_t next_row = UINT32_MAX;

  size_t place_of(const PayloadSlot& slot) const {
    return slot.column == kRestColumn ? cursors.size() - 1 : slot.column;
  }
  void step() {
    bool counted_rest = false;
    for (const PayloadSlot& slot : shapes[rows.shape(next_row)].slots) {
      // A row has one value among the rest, whatever is in it.
      if (slot.column == kRestColumn && counted_rest) continue;
      counted_rest |= slot.column == kRestColumn;
      ++places[place_of(slot)];
    }
    ++next_row;
  }
  void go_to(uint32_t row) {
    const uint32_t block = row / kColumnBlockRows;
    if (next_row > row || next_row < block * kColumnBlockRows) {
      for (size_t i = 0; i < places.size(); ++i) places[i] = rows.values_before(i, block);
      next_row = block * kColumnBlockRows;
    }
    while (next_row < row) step();
  }
  Status append(const PayloadShape& shape, std::string& out);
};

Status PayloadRebuilder::Impl::append(const PayloadShape& shape, std::string& out) {
  std::string_view literals = shape.literals;
  std::string_view rest;
  bool has_rest = false;
  for (const PayloadSlot& slot : shape.slots) {
    out += literals.substr(0, slot.literal_bytes);
    literals.remove_prefix(slot.literal_bytes);
    const size_t column = place_of(slot);
    if (slot.column != kRestColumn) {
      RETURN_IF_ERROR(cursors[column]->append(places[column], slot, out));
      continue;
    }
    if (!has_rest) RETURN_IF_ERROR(cursors[column]->text(places[column], rest));
    has_rest = true;
    MsgpackReader reader(as_bytes(rest));
    if (!reader.skip()) return column_damaged("the rest of a payload is cut off");
    const auto size = static_cast<size_t>(reader.position() - as_bytes(rest).data());
    out += rest.substr(0, size);
    rest.remove_prefix(size);
  }
  out += literals;
  return {};
}

Result<PayloadRebuilder> PayloadRebuilder::open(const std::vector<PayloadColumnKey>& keys,
                                                const std::vector<PayloadShape>& shapes,
                                                const PayloadColumnBytes& bytes, uint32_t rows) {
  if (bytes.columns.size() != keys.size()) return column_damaged("payload columns are missing");
  ASSIGN_OR_RETURN(PayloadRows payload_rows,
                   PayloadRows::open(bytes.shape_ids, rows, shapes, keys.size()));
  auto impl = std::make_unique<Impl>(Impl{shapes, std::move(payload_rows), {}, {}});
  for (size_t i = 0; i < keys.size(); ++i) {
    impl->cursors.push_back(std::make_unique<PayloadColumnCursor>(keys[i].type, bytes.columns[i],
                                                                  impl->rows.values(i)));
  }
  impl->cursors.push_back(std::make_unique<PayloadColumnCursor>(PayloadColumnType::kRaw, bytes.rest,
                                                                impl->rows.values(keys.size())));
  impl->places.resize(impl->cursors.size());
  return PayloadRebuilder(std::move(impl));
}

Status PayloadRebuilder::append(uint32_t row, std::string& out) {
  impl_->go_to(row);
  return impl_->append(impl_->shapes[impl_->rows.shape(row)], out);
}

const PayloadRows& PayloadRebuilder::rows() const { return impl_->rows; }

PayloadRebuilder::PayloadRebuilder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PayloadRebuilder::PayloadRebuilder(PayloadRebuilder&&) noexcept = default;
PayloadRebuilder& PayloadRebuilder::operator=(PayloadRebuilder&&) noexcept = default;
PayloadRebuilder::~PayloadRebuilder() = default;

}  // namespace eventd::engine
