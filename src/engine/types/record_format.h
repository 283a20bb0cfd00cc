// Records (ROW(…), whole rows): PostgreSQL's binary format (record_send) and its text form '(…)'.
//
//   int32 fields | per field: uint32 type oid, int32 length (-1 = NULL), that many bytes
//
// Field bytes are the field type's own binary (send) form; all integers big-endian. A value of type
// record lies in a vector in just this form.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/types/type.h"
#include "result.h"

namespace eventd::engine {

/// As PostgreSQL's MaxTupleAttributeNumber.
inline constexpr int kRecordFieldsMax = 1664;

/// One field of a record as it lies there; nullopt = NULL.
struct RecordField {
  Oid type = 0;
  std::optional<std::string_view> bytes;
};

/// Reads a record value in place. Borrowed bytes; one thread.
class RecordReader {
 public:
  /// 22P03 if the bytes are no record; every count is checked against what remains.
  static Result<RecordReader> open(std::string_view bytes);
  int field_count() const { return count_; }
  /// The next field. REQUIRES: fewer than field_count() calls so far.
  RecordField next();

 private:
  int count_ = 0;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
};

/// Builds one record value. One thread.
class RecordBuilder {
 public:
  void add_null(Oid type);
  void add(Oid type, std::string_view bytes);
  /// The value; the builder starts empty again.
  std::string finish();

 private:
  int32_t count_ = 0;
  std::string fields_;
};

/// One field's text as record_out() quotes it: `a b` → `"a b"`, `"` → `""""`.
void append_record_field_text(std::string_view field, std::string& out);

}  // namespace eventd::engine
