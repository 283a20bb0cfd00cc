#include "engine/segments/payload_column_cursor.h"

namespace eventd::engine {

Status PayloadColumnCursor::open() {
  switch (type_) {
    case PayloadColumnType::kInteger:
    case PayloadColumnType::kUnsigned: {
      ASSIGN_OR_RETURN(integers_, IntegerColumn::open(bytes_, values_));
      integer_cursor_.emplace(integers_);
      break;
    }
    case PayloadColumnType::kDouble: {
      ASSIGN_OR_RETURN(doubles_, DoubleColumn::open(bytes_, values_));
      double_cursor_.emplace(doubles_);
      break;
    }
    case PayloadColumnType::kBool: {
      ASSIGN_OR_RETURN(bits_, decode_bitmap_column(bytes_, values_));
      break;
    }
    case PayloadColumnType::kText:
    case PayloadColumnType::kRaw: {
      ASSIGN_OR_RETURN(texts_, TextColumn::open(bytes_, values_));
      text_cursor_.emplace(texts_);
      break;
    }
  }
  opened_ = true;
  return {};
}

Status PayloadColumnCursor::append(uint32_t place, const PayloadSlot& slot, std::string& out) {
  if (!opened_) RETURN_IF_ERROR(open());
  switch (type_) {
    case PayloadColumnType::kInteger:
    case PayloadColumnType::kUnsigned: return append_integer(place, slot, out);
    case PayloadColumnType::kBool: return append_bool(place, out);
    case PayloadColumnType::kDouble: {
      double value = 0;
      RETURN_IF_ERROR(double_cursor_->value(place, value));
      append_slot_double(value, slot.form, out);
      return {};
    }
    case PayloadColumnType::kText:
    case PayloadColumnType::kRaw: break;
  }
  std::string_view value;
  RETURN_IF_ERROR(text_cursor_->value(place, value));
  if (type_ == PayloadColumnType::kText) {
    append_slot_text(value, slot.form, out);
  } else {
    out += value;
  }
  return {};
}

Status PayloadColumnCursor::text(uint32_t place, std::string_view& value) {
  if (!opened_) RETURN_IF_ERROR(open());
  return text_cursor_->value(place, value);
}

Status PayloadColumnCursor::append_integer(uint32_t place, const PayloadSlot& slot, std::string& out) {
  int64_t value = 0;
  RETURN_IF_ERROR(integer_cursor_->value(place, value));
  if (type_ == PayloadColumnType::kInteger) {
    append_slot_integer(value, slot.form, out);
  } else {
    append_slot_unsigned(static_cast<uint64_t>(value), out);
  }
  return {};
}

Status PayloadColumnCursor::append_bool(uint32_t place, std::string& out) const {
  if (place >= bits_.rows()) return column_damaged("a column ends before its rows");
  out.push_back(bits_.test(place) ? '\xc3' : '\xc2');
  return {};
}

}  // namespace eventd::engine
