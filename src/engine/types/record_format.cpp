#include "engine/types/record_format.h"

#include "bytes.h"
#include "engine/types/integer_text.h"

namespace eventd::engine {

Result<RecordReader> RecordReader::open(std::string_view bytes) {
  const auto bad = [](const char* message) {
    return Status(sqlstate::kInvalidBinaryRepresentation, message);
  };
  if (bytes.size() < 4) return bad("insufficient data left in message");
  const auto count = load_be<int32_t>(bytes.data());
  if (count < 0 || count > kRecordFieldsMax) return bad("wrong number of columns");
  RecordReader reader;
  reader.count_ = count;
  reader.at_ = bytes.data() + 4;
  reader.end_ = bytes.data() + bytes.size();
  const char* at = reader.at_;
  for (int32_t i = 0; i < count; ++i) {
    if (reader.end_ - at < 8) return bad("insufficient data left in message");
    const auto size = load_be<int32_t>(at + 4);
    at += 8;
    if (size < -1 || size > reader.end_ - at) return bad("insufficient data left in message");
    if (size > 0) at += size;
  }
  if (at != reader.end_) return bad("improper binary format in record");
  return reader;
}

RecordField RecordReader::next() {
  RecordField field;
  if (end_ - at_ < 8) return field;
  field.type = load_be<uint32_t>(at_);
  const auto size = load_be<int32_t>(at_ + 4);
  at_ += 8;
  if (size < 0 || size > end_ - at_) return field;
  field.bytes = std::string_view(at_, static_cast<size_t>(size));
  at_ += size;
  return field;
}

void RecordBuilder::add_null(Oid type) {
  append_be(fields_, type);
  append_be(fields_, int32_t{-1});
  ++count_;
}

void RecordBuilder::add(Oid type, std::string_view bytes) {
  append_be(fields_, type);
  append_be(fields_, static_cast<int32_t>(bytes.size()));
  fields_ += bytes;
  ++count_;
}

std::string RecordBuilder::finish() {
  std::string out;
  out.reserve(4 + fields_.size());
  append_be(out, count_);
  out += fields_;
  fields_.clear();
  count_ = 0;
  return out;
}

void append_record_field_text(std::string_view field, std::string& out) {
  bool quote = field.empty();
  for (const char c : field) {
    quote = quote || c == '"' || c == '\\' || c == '(' || c == ')' || c == ',' || is_input_space(c);
  }
  if (!quote) {
    out += field;
    return;
  }
  out.push_back('"');
  for (const char c : field) {
    if (c == '"' || c == '\\') out.push_back(c);
    out.push_back(c);
  }
  out.push_back('"');
}

}  // namespace eventd::engine
