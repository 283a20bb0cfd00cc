#include "engine/storage/sqlite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace eventd::engine::sqlite
