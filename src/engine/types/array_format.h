// Arrays: PostgreSQL's binary format (array_recv) and its text form '{…}'.
//
//   int32 dimensions | int32 has_null | uint32 element oid | per dimension: int32 size, int32 lower
//   per element, last dimension fastest: int32 length (-1 = NULL) | that many bytes
//
// Element bytes are the element type's own binary (send) form; all integers big-endian.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/types/type.h"
#include "result.h"

namespace eventd::engine {

/// As PostgreSQL's MAXDIM and MaxArraySize.
inline constexpr int kArrayDimensionsMax = 6;
inline constexpr int64_t kArrayElementsMax = 134'217'727;

struct ArrayDimension {
  int32_t size = 0;
  int32_t lower = 1;
  bool operator==(const ArrayDimension&) const = default;
};

/// Reads an array value in place. Borrowed bytes; one thread.
class ArrayReader {
 public:
  /// 22P03 if the bytes are no array; every count is checked against what remains.
  static Result<ArrayReader> open(std::string_view bytes);
  Oid element_type() const { return element_type_; }
  const std::vector<ArrayDimension>& dimensions() const { return dimensions_; }
  /// All elements of all dimensions.
  int64_t element_count() const { return count_; }
  /// The next element's bytes, nullopt for NULL. REQUIRES: fewer than element_count() calls so far.
  std::optional<std::string_view> next();

 private:
  Oid element_type_ = 0;
  std::vector<ArrayDimension> dimensions_;
  int64_t count_ = 0;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
};

/// Builds one array value. One thread.
class ArrayBuilder {
 public:
  explicit ArrayBuilder(Oid element_type) : element_type_(element_type) {}
  void add_null();
  void add(std::string_view element_bytes);
  int64_t size() const { return count_; }
  /// One dimension from 1 (none if empty).
  std::string finish();
  /// REQUIRES: the sizes multiply to size().
  std::string finish(const std::vector<ArrayDimension>& dimensions);

 private:
  Oid element_type_;
  int64_t count_ = 0;
  bool has_null_ = false;
  std::string elements_;
};

/// An array's text, split: elements unescaped, nullopt = NULL.
struct ArrayText {
  std::vector<ArrayDimension> dimensions;
  std::vector<std::optional<std::string>> elements;
};
/// 22P02 `malformed array literal: "…"`, 54000 too many dimensions. `delimiter` is ',' for our types.
Result<ArrayText> parse_array_text(std::string_view text, char delimiter = ',');
/// Prints '{…}' with PostgreSQL's quoting. REQUIRES: as ArrayText.
void append_array_text(const ArrayText& array, std::string& out, char delimiter = ',');
/// One element with PostgreSQL's quoting.
void append_array_element_text(std::string_view element, std::string& out, char delimiter = ',');

}  // namespace eventd::engine
