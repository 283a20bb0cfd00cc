#include "engine/maintenance/vacuum.h"

#include <gmock/gmock.h>

#include "maintenance_fixture.h"

namespace eventd::engine {
namespace {

class Vacuum : public MaintenanceTest {
 protected:
  void fill_and_empty() {
    auto shard = open_shard("a.db");
    append(*shard, 1, 20'000, "\xc5\x01\x00" + std::string(256, 'x'));
    ASSERT_TRUE(shard->connection().exec("DELETE FROM events_0 WHERE id>100").ok());
  }
};

TEST_F(Vacuum, SaysWhetherItPaysAndDoesIt) {
  fill_and_empty();
  const auto before = measure_space(path("a.db"));
  ASSERT_TRUE(before.ok());
  EXPECT_TRUE(before->pays());
  ASSERT_TRUE(vacuum_file(path("a.db")).ok());
  const auto after = measure_space(path("a.db"));
  ASSERT_TRUE(after.ok());
  EXPECT_FALSE(after->pays());
  EXPECT_EQ(after->free_bytes, 0u);
  EXPECT_LE(after->file_bytes, before->file_bytes - before->free_bytes);
  EXPECT_TRUE(is_whole(path("a.db")));
  // A shard as before: it goes on where it was.
  auto shard = open_shard("a.db");
  ASSERT_NE(shard, nullptr);
  append(*shard, 30'000, 1);
  EXPECT_EQ(query(path("a.db"), "SELECT count(*) FROM events"), 101);
  EXPECT_EQ(query(path("a.db"), "SELECT page_size FROM pragma_page_size"), 4096);
}

TEST_F(Vacuum, LeavesAFileAloneThatIsInUse) {
  fill_and_empty();
  auto shard = open_shard("a.db");
  append(*shard, 30'000, 1);
  const Status status = vacuum_file(path("a.db"));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, sqlstate::kLockNotAvailable) << status.error().message;
  append(*shard, 30'001, 1);
  EXPECT_EQ(query(path("a.db"), "SELECT count(*) FROM events"), 102);
  EXPECT_TRUE(measure_space(path("a.db")).ok());
}

TEST_F(Vacuum, FindsTheDatabasesOfADirectory) {
  std::filesystem::create_directory(path("events"));
  { auto one = open_shard("events/shard-0000.db"), other = open_shard("catalog.db"); }
  const auto files = database_files(directory_);
  ASSERT_TRUE(files.ok());
  EXPECT_THAT(*files, ::testing::ElementsAre(path("catalog.db"), path("events/shard-0000.db")));
  EXPECT_FALSE(database_files(path("nothing")).ok());
}

}  // namespace
}  // namespace eventd::engine
