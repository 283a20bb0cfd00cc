#include "engine/segments/column_format.h"

#include <fmt/format.h>

namespace eventd::engine {

std::string_view encoding_name(ColumnEncoding encoding) {
  switch (encoding) {
    case ColumnEncoding::kIntegerBlocks: return "integers";
    case ColumnEncoding::kRunLength: return "runs";
    case ColumnEncoding::kIntegerDictionary: return "integer dictionary";
    case ColumnEncoding::kBitmap: return "bitmap";
    case ColumnEncoding::kDecimalDoubles: return "decimals";
    case ColumnEncoding::kXorDoubles: return "doubles";
    case ColumnEncoding::kTextDictionary: return "dictionary";
    case ColumnEncoding::kTextBlocks: return "text";
    case ColumnEncoding::kNullable: return "nullable";
  }
  return "unknown";
}

Status column_damaged(std::string_view what) {
  return {sqlstate::kDataCorrupted, fmt::format("sealed segment is damaged: {}", what)};
}

void append_column_header(ColumnEncoding encoding, uint32_t rows, std::string& out) {
  append_le(out, static_cast<uint8_t>(encoding));
  append_le(out, kColumnVersion);
  append_le(out, rows);
}

Result<ColumnEncoding> read_column_header(FormatReader& reader, uint32_t rows) {
  uint8_t encoding = 0, version = 0;
  uint32_t stored_rows = 0;
  if (!reader.read(encoding) || !reader.read(version) || !reader.read(stored_rows)) {
    return column_damaged("a column has no header");
  }
  if (version != kColumnVersion) return column_damaged("a column has an unknown version");
  if (rows > kSegmentRowsMax || stored_rows != rows) {
    return column_damaged("a column has another number of rows than its segment");
  }
  return static_cast<ColumnEncoding>(encoding);
}

Status expect_column_header(FormatReader& reader, ColumnEncoding encoding, uint32_t rows) {
  ASSIGN_OR_RETURN(const ColumnEncoding found, read_column_header(reader, rows));
  if (found != encoding) return column_damaged("a column has an encoding that it can't have");
  return {};
}

}  // namespace eventd::engine
