#include "engine/storage/sqlite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdlib.h>

#include <filesystem>
#include <set>
#include <string>

namespace eventd::engine::sqlite {
namespace {

TEST(Sqlite, TheLibraryIsOneWeCanUse) {
  EXPECT_TRUE(check_library().ok()) << version();
  EXPECT_EQ(version().substr(0, 2), "3.");
}

// An option lost on the way to the compiler shows nowhere else.
TEST(Sqlite, TheBundledLibraryHasItsFixedOptions) {
  if (sqlite3_libversion_number() < 3'041'000) GTEST_SKIP() << "Debian's SQLite " << version();
  auto connection = Connection::open(":memory:", {.wal = false});
  ASSERT_TRUE(connection.ok()) << connection.error().message;
  auto statement = connection->prepare("PRAGMA compile_options");
  ASSERT_TRUE(statement.ok());
  std::set<std::string> options;
  for (;;) {
    const auto row = statement->step();
    ASSERT_TRUE(row.ok());
    if (!*row) break;
    options.emplace(statement->text(0));
  }
  for (const char* option :
       {"THREADSAFE=2", "DQS=0", "OMIT_SHARED_CACHE", "OMIT_DEPRECATED", "OMIT_LOAD_EXTENSION",
        "LIKE_DOESNT_MATCH_BLOBS", "MAX_MMAP_SIZE=0", "ENABLE_DBSTAT_VTAB"}) {
    EXPECT_THAT(options, testing::Contains(option));
  }
  EXPECT_FALSE(options.contains("SECURE_DELETE"));
  EXPECT_FALSE(options.contains("OMIT_PROGRESS_CALLBACK"));
}

// As a process leaves it that ends between the first commit and the removal of its journal.
TEST(Sqlite, AReadOnlyConnectionOpensAFileWithAJournalLeftBehind) {
  std::string directory = (std::filesystem::temp_directory_path() / "sqlite-test-XXXXXX").string();
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  const std::string path = directory + "/half.db";
  const auto keep = [&](const char* suffix) {
    std::filesystem::copy_file(path + suffix, directory + "/left.db" + suffix);
  };
  {
    auto connection = Connection::open(path, {.wal = false, .cache_kib = 1});
    ASSERT_TRUE(connection.ok());
    ASSERT_TRUE(connection->exec("CREATE TABLE t(x); INSERT INTO t VALUES('kept')").ok());
    // More than the page cache holds: some of it is in the file already.
    ASSERT_TRUE(connection->exec("BEGIN; INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
                                 "SELECT i+1 FROM n WHERE i<2000) SELECT hex(zeroblob(100)) FROM n;"
                                 "PRAGMA cache_spill=ON; UPDATE t SET x=x||'?'").ok());
    keep("");
    keep("-journal");
  }
  auto left = Connection::open(directory + "/left.db", {.mode = OpenMode::kReadOnly});
  ASSERT_TRUE(left.ok()) << left.error().message;
  const auto rows = left->query_int64("SELECT count(*) FROM t WHERE x='kept'");
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  EXPECT_EQ(*rows, 1);
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace eventd::engine::sqlite
