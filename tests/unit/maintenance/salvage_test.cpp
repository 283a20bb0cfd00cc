#include "engine/maintenance/salvage.h"

#include <gmock/gmock.h>

#include <fstream>
#include <random>

#include "engine/maintenance/durable_file.h"
#include "engine/storage/shard_set.h"
#include "maintenance_fixture.h"

namespace eventd::engine {
namespace {

constexpr int64_t kPageBytes = 4096;

class SalvageTest : public MaintenanceTest {
 protected:
  /// A closed shard with `count` rows, sequences 1…count.
  std::string shard_of(uint64_t count) {
    {
      auto shard = open_shard("damaged.db");
      for (uint64_t first = 1; first <= count; first += 5000)
        append(*shard, first, std::min<uint64_t>(5000, count - first + 1), payload_);
    }
    return path("damaged.db");
  }

  static void overwrite_page(const std::string& file, int64_t page, const std::string& bytes,
                             int64_t offset = 0) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp((page - 1) * kPageBytes + offset);
    stream << bytes;
  }
  static std::string page_of(char byte) { return std::string(kPageBytes, byte); }

  static int64_t root_page(const std::string& file, const std::string& table) {
    return query(file, "SELECT rootpage FROM sqlite_schema WHERE name='" + table + "'");
  }

  /// Every row of `output` is one of the source's, whole; how many there are.
  void check_rows(const std::string& output, const SalvageReport& report, uint64_t count) {
    EXPECT_TRUE(is_whole(output));
    EXPECT_EQ(query(output, "SELECT count(*) FROM events"), static_cast<int64_t>(report.rows_copied));
    EXPECT_EQ(query(output, "SELECT count(*) FROM events WHERE sequence<>id OR timestamp<>1000000+id OR "
                            "event_type<>CASE WHEN id%2=0 THEN 'even' ELSE 'odd' END OR cpu_id<>1 OR "
                            "length(payload)<>" + std::to_string(payload_.size())), 0);
    EXPECT_LE(report.rows_copied + report.rows_missing + report.rows_refused, count);
  }

  const std::string payload_ = "\xc4\x80" + std::string(128, 'x');
};

TEST_F(SalvageTest, OfAHealthyShardIsTheSameShard) {
  const std::string file = shard_of(20'000);
  const auto digest = digest_file(file, nullptr);
  const auto report = salvage_shard(file, path("out.db"));
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_TRUE(report->complete());
  EXPECT_EQ(report->rows_copied, 20'000u);
  check_rows(path("out.db"), *report, 20'000);
  EXPECT_EQ(query(path("out.db"), "SELECT count(*) FROM event_types"), 2);
  EXPECT_EQ(query(path("out.db"), "SELECT first=1 AND last=20000 FROM receipts"), 1);
  EXPECT_EQ(digest_file(file, nullptr)->sha256, digest->sha256);
  EXPECT_EQ(salvage_shard(file, path("out.db")).error().code, sqlstate::kDuplicateObject);
}

TEST_F(SalvageTest, CopiesWhatLiesAroundBadPages) {
  const std::string file = shard_of(20'000);
  const auto pages = static_cast<int64_t>(std::filesystem::file_size(file)) / kPageBytes;
  std::mt19937 random(4711);
  // Anything but the schema's page and the root of the rows.
  const int64_t root = root_page(file, "events_0");
  for (int i = 0; i < 20; ++i) {
    const int64_t page = 60 + static_cast<int64_t>(random()) % (pages - 60);
    if (page != root) overwrite_page(file, page, page_of(static_cast<char>(random())));
  }
  const std::string digest = digest_file(file, nullptr)->sha256;
  const auto report = salvage_shard(file, path("out.db"));
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_FALSE(report->complete());
  EXPECT_GT(report->rows_copied, 15'000u) << ::testing::PrintToString(report->remarks);
  EXPECT_GT(report->rows_missing + report->rows_refused, 0u);
  check_rows(path("out.db"), *report, 20'000);
  EXPECT_EQ(digest_file(file, nullptr)->sha256, digest) << "the damaged file was changed";
  // A server reads it as one of its historical shards.
  std::filesystem::create_directory(path("events"));
  std::filesystem::rename(path("out.db"), path("events/archive.db"));
  auto set = ShardSet::open({.directory = path("events")});
  ASSERT_TRUE(set.ok());
  const std::vector<ReceiptRange> receipts = (*set)->historical_receipts();
  ASSERT_EQ(receipts.size(), 1u);
  EXPECT_EQ(receipts[0].last, 20'000u);
}

TEST_F(SalvageTest, RefusesRowsThatAreNoEvents) {
  const std::string file = shard_of(1000);
  {
    auto connection = sqlite::Connection::open(file, {});
    ASSERT_TRUE(connection.ok());
    ASSERT_TRUE(connection->exec("UPDATE events_0 SET boot_id=x'00' WHERE id=10;"
                                 "UPDATE events_0 SET payload=x'c1' WHERE id=20;"
                                 "UPDATE events_0 SET event_type=CAST(x'ff' AS TEXT) WHERE id=30;"
                                 "UPDATE events_0 SET timestamp='x' WHERE id=40;"
                                 "UPDATE events_0 SET cpu_id=70000 WHERE id=50;").ok());
  }
  const auto report = salvage_shard(file, path("out.db"));
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->rows_refused, 5u);
  EXPECT_EQ(report->rows_copied, 995u);
}

TEST_F(SalvageTest, WithoutTheListOfTailsTakesTheFixedOnes) {
  const std::string file = shard_of(1000);
  overwrite_page(file, root_page(file, "tails"), page_of('\xff'));
  const auto report = salvage_shard(file, path("out.db"));
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->rows_copied, 1000u);
  EXPECT_THAT(report->remarks, ::testing::Contains(::testing::HasSubstr("list of tails")));
}

TEST_F(SalvageTest, WithoutReceiptsTakesThoseOfTheRows) {
  const std::string file = shard_of(1000);
  // Of a table without rowid the root is found under its own name too.
  overwrite_page(file, root_page(file, "receipts"), page_of('\xff'));
  const auto report = salvage_shard(file, path("out.db"));
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(query(path("out.db"), "SELECT first=1 AND last=1000 FROM receipts"), 1);
}

TEST_F(SalvageTest, SeesWhatIsOnlyInTheWal) {
  auto shard = open_shard("damaged.db");
  append(*shard, 1, 300, payload_);
  ASSERT_GT(std::filesystem::file_size(path("damaged.db-wal")), 0u);
  for (const std::string suffix : {"", "-wal"})
    std::filesystem::copy_file(path("damaged.db" + suffix), path("crashed.db" + suffix));
  const auto report = salvage_shard(path("crashed.db"), path("out.db"));
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->rows_copied, 300u);
  EXPECT_TRUE(std::filesystem::exists(path("crashed.db-wal")));
  EXPECT_FALSE(std::filesystem::exists(path("out.db.work")));
}

TEST_F(SalvageTest, FailsOnWhatIsNoShard) {
  std::ofstream(path("text.db")) << std::string(10'000, 't');
  EXPECT_EQ(salvage_shard(path("text.db"), path("out.db")).error().code, sqlstate::kDataCorrupted);
  EXPECT_EQ(salvage_shard(path("none.db"), path("out.db")).error().code, sqlstate::kIoError);
  EXPECT_FALSE(std::filesystem::exists(path("out.db")));
  EXPECT_FALSE(std::filesystem::exists(path("out.db.tmp")));
}

// Whatever is overwritten, salvage ends, with whole rows or an error.
TEST_F(SalvageTest, EndsWhateverIsOverwritten) {
  const std::string file = shard_of(3000);
  const auto pages = static_cast<int64_t>(std::filesystem::file_size(file)) / kPageBytes;
  std::mt19937 random(1);
  for (int round = 0; round < 25; ++round) {
    const std::string name = path("round.db"), output = path("round-out.db");
    std::filesystem::copy_file(file, name, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::remove(output);
    for (int i = 0; i < 1 + round % 5; ++i) {
      std::string bytes(static_cast<size_t>(1 + random() % 200), '\0');
      for (char& byte : bytes) byte = static_cast<char>(random());
      overwrite_page(name, 1 + static_cast<int64_t>(random()) % pages, bytes,
                     round % 2 == 0 ? 0 : static_cast<int64_t>(random()) % (kPageBytes - 200));
    }
    const auto report = salvage_shard(name, output);
    if (report.ok()) {
      EXPECT_TRUE(is_whole(output)) << "round " << round;
      EXPECT_LE(report->rows_copied, 3000u);
    }
  }
}

}  // namespace
}  // namespace eventd::engine
