#include "engine/session/copy_row_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace eventd::engine {
namespace {

using Row = std::vector<std::string>;  // NULL shows as "<null>"

Row copy_of(const std::vector<CopyField>& fields) {
  Row row;
  for (const CopyField& field : fields) row.push_back(field ? std::string(*field) : "<null>");
  return row;
}

// All rows of `data`, fed in pieces of `step` bytes.
Result<std::vector<Row>> read_all(const CopyStatement& statement, const std::string& data, size_t step) {
  ASSIGN_OR_RETURN(CopyRowReader reader, CopyRowReader::make(statement));
  std::vector<Row> rows;
  std::vector<CopyField> fields;
  const auto drain = [&]() -> Status {
    while (true) {
      ASSIGN_OR_RETURN(const bool row, reader.next(fields));
      if (!row) return {};
      rows.push_back(copy_of(fields));
    }
  };
  for (size_t at = 0; at < data.size(); at += step) {
    reader.append(as_bytes(std::string_view(data).substr(at, step)));
    RETURN_IF_ERROR(drain());
  }
  reader.finish();
  RETURN_IF_ERROR(drain());
  return rows;
}

void expect_rows(const CopyStatement& statement, const std::string& data, const std::vector<Row>& rows) {
  for (const size_t step : {1ul, 2ul, 3ul, 7ul, 1000ul}) {
    const auto read = read_all(statement, data, step);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(*read, rows) << "in pieces of " << step;
  }
}

CopyStatement csv() {
  CopyStatement statement;
  statement.format = CopyStatement::Format::kCsv;
  return statement;
}

TEST(CopyRowReader, Text) {
  expect_rows({}, "a\tb\nc\t\\N\n", {{"a", "b"}, {"c", "<null>"}});
  expect_rows({}, "a\\tb\tx\\\\y\\n\\x41\\101\\q\n", {{"a\tb", "x\\y\nAAq"}});
  expect_rows({}, "a\\\nb\tc\r\n\n", {{"a\nb", "c"}, {""}});
  expect_rows({}, "last\twithout newline", {{"last", "without newline"}});
  expect_rows({}, "a\n\\.\nignored\n", {{"a"}});
  expect_rows({}, "", {});
}

TEST(CopyRowReader, Csv) {
  expect_rows(csv(), "a,\"b,\"\"c\"\"\"\n,\"\"\n", {{"a", "b,\"c\""}, {"<null>", ""}});
  expect_rows(csv(), "\"two\nlines\",x\r\ny,z", {{"two\nlines", "x"}, {"y", "z"}});
  CopyStatement with_options = csv();
  with_options.header = true;
  with_options.delimiter = ';';
  with_options.quote = '\'';
  with_options.escape = '\\';
  with_options.null_text = "NULL";
  expect_rows(with_options, "h;h\nNULL;'a\\'b;'\n", {{"<null>", "a'b;"}});
  const auto unterminated = read_all(csv(), "a,\"b\n", 100);
  ASSERT_FALSE(unterminated.ok());
  EXPECT_EQ(unterminated.error().code, sqlstate::kBadCopyFileFormat);
}

TEST(CopyRowReader, LinesAreCounted) {
  auto reader = CopyRowReader::make(csv());
  ASSERT_TRUE(reader.ok());
  reader->append(as_bytes("a\n\"b\nc\"\nd\n"));
  std::vector<CopyField> fields;
  for (const uint64_t line : {1u, 2u, 4u}) {
    ASSERT_TRUE(*reader->next(fields));
    EXPECT_EQ(reader->line(), line);
  }
}

TEST(CopyRowReader, RefusesContradictions) {
  CopyStatement bad;
  bad.delimiter = '\n';
  EXPECT_FALSE(CopyRowReader::make(bad).ok());
  bad = csv();
  bad.delimiter = '"';
  EXPECT_FALSE(CopyRowReader::make(bad).ok());
}

}  // namespace
}  // namespace eventd::engine
