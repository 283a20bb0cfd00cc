// Records (ROW(…), whole rows): PostgreSQL's binary format (record_send) and its text form '(…)'.
//
//   int32 fields | per field: uint32 type oid, int32 length (-1 = NULL), that many bytes
//
// Field bytes are the field type's own binary (send) form; all integers big-endian. A value of type
// record lies in a vector in just this form; where its fields have names of their own (not f1, f2 …),
// the count has a flag and the names follow: per field int32 length, that many bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/types/type.h"
#include "result.h"

namespace eventd::engine {

/// As PostgreSQL's MaxTupleAttributeNumber.
inline constexpr int kRecordFieldsMax = 1664;

/// Records within records. Each level doubles the quotes in the text of what is in it.
inline constexpr int kRecordDepthMax = 24;

/// One field of a record as it lies there; nullopt = NULL.
struct RecordField {
  Oid type = 0;
  std::optional<std::string_view> bytes;
  std::string_view name;  ///< empty: f1, f2 … by its place
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
  const char* name_ = nullptr;  ///< where the next name begins; null = none
};

/// Builds one record value. One thread.
class RecordBuilder {
 public:
  void add_null(Oid type);
  void add(Oid type, std::string_view bytes);
  /// The value; the builder starts empty again. `names` is what record_names() made, or empty.
  std::string finish(std::string_view names = {});

 private:
  int32_t count_ = 0;
  std::string fields_;
};

/// The names of a record's fields as they stand in its value. REQUIRES: as many as fields.
std::string record_names(std::span<const std::string> names);
/// A record or array of records in PostgreSQL's form, names left out at every level.
std::string without_record_names(Oid type, std::string_view bytes);

/// Levels of records within a value of this type, itself included; more than `limit` are not counted.
int record_depth(Oid type, std::string_view bytes, int limit = kRecordDepthMax);

/// One field's text as record_out() quotes it: `a b` → `"a b"`, `"` → `""""`.
void append_record_field_text(std::string_view field, std::string& out);

}  // namespace eventd::engine
