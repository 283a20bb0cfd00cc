#include "engine/types/record_format.h"

#include <algorithm>

#include "bytes.h"
#include "engine/types/array_format.h"
#include "engine/types/integer_text.h"

namespace eventd::engine {
namespace {

constexpr int32_t kNamesFollow = 1 << 30;
constexpr Oid kRecordArray = 2287;

std::string array_without_names(std::string_view bytes) {
  Result<ArrayReader> reader = ArrayReader::open(bytes);
  if (!reader.ok()) return std::string(bytes);
  ArrayBuilder builder(reader->element_type());
  for (int64_t i = 0; i < reader->element_count(); ++i) {
    if (const auto element = reader->next()) {
      builder.add(without_record_names(oid::kRecord, *element));
    } else {
      builder.add_null();
    }
  }
  return builder.finish(reader->dimensions());
}

}  // namespace

int record_depth(Oid type, std::string_view bytes, int limit) {
  int below = 0;
  if (type == kRecordArray) {
    Result<ArrayReader> elements = ArrayReader::open(bytes);
    if (!elements.ok()) return 0;
    for (int64_t i = 0; i < elements->element_count() && below <= limit; ++i) {
      if (const auto element = elements->next()) {
        below = std::max(below, record_depth(oid::kRecord, *element, limit));
      }
    }
    return below;
  }
  if (type != oid::kRecord || limit <= 0) return type == oid::kRecord ? 1 : 0;
  Result<RecordReader> fields = RecordReader::open(bytes);
  if (!fields.ok()) return 0;
  for (int i = 0; i < fields->field_count() && below < limit; ++i) {
    const RecordField field = fields->next();
    if (field.bytes) below = std::max(below, record_depth(field.type, *field.bytes, limit - 1));
  }
  return below + 1;
}

Result<RecordReader> RecordReader::open(std::string_view bytes) {
  const auto bad = [](const char* message) {
    return Status(sqlstate::kInvalidBinaryRepresentation, message);
  };
  if (bytes.size() < 4) return bad("insufficient data left in message");
  const auto head = load_be<int32_t>(bytes.data());
  const bool named = head >= 0 && (head & kNamesFollow) != 0;
  const int32_t count = named ? head & ~kNamesFollow : head;
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
  if (named) reader.name_ = at;
  for (int32_t i = 0; named && i < count; ++i) {
    if (reader.end_ - at < 4) return bad("insufficient data left in message");
    const auto size = load_be<int32_t>(at);
    at += 4;
    if (size < 0 || size > reader.end_ - at) return bad("insufficient data left in message");
    at += size;
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
  if (name_ != nullptr) {
    const auto length = load_be<int32_t>(name_);
    field.name = std::string_view(name_ + 4, static_cast<size_t>(length));
    name_ += 4 + length;
  }
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

std::string RecordBuilder::finish(std::string_view names) {
  std::string out;
  out.reserve(4 + fields_.size() + names.size());
  append_be(out, names.empty() ? count_ : count_ | kNamesFollow);
  out += fields_;
  out += names;
  fields_.clear();
  count_ = 0;
  return out;
}

std::string record_names(std::span<const std::string> names) {
  std::string out;
  for (const std::string& name : names) {
    append_be(out, static_cast<int32_t>(name.size()));
    out += name;
  }
  return out;
}

std::string without_record_names(Oid type, std::string_view bytes) {
  if (type == kRecordArray) return array_without_names(bytes);
  if (type != oid::kRecord) return std::string(bytes);
  Result<RecordReader> reader = RecordReader::open(bytes);
  if (!reader.ok()) return std::string(bytes);
  RecordBuilder builder;
  for (int i = 0; i < reader->field_count(); ++i) {
    const RecordField field = reader->next();
    if (field.bytes) {
      builder.add(field.type, without_record_names(field.type, *field.bytes));
    } else {
      builder.add_null(field.type);
    }
  }
  return builder.finish();
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
