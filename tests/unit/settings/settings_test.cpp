#include "engine/settings/settings.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "engine/settings/config_file.h"

namespace eventd::engine {
namespace {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = std::filesystem::temp_directory_path() / "eventd-settings-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ + "/" + name) << text;
  }

 private:
  std::string path_;
};

TEST(SettingTable, DefaultsParseAndNamesAreUnique) {
  std::set<std::string_view> names;
  for (const SettingInfo& info : setting_table()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_TRUE(parse_setting(info, info.default_value).ok()) << info.name;
    EXPECT_FALSE(info.description.empty()) << info.name;
  }
}

TEST(SettingValue, UnitsAndRanges) {
  const SettingInfo& latency = *find_setting("max_batch_latency");
  EXPECT_EQ(parse_setting(latency, "1s")->integer, 1000);
  EXPECT_EQ(parse_setting(latency, " 250 ms ")->text, "250ms");
  EXPECT_EQ(parse_setting(latency, "1000")->text, "1s");
  EXPECT_FALSE(parse_setting(latency, "5").ok());
  EXPECT_FALSE(parse_setting(latency, "1 parsec").ok());
  EXPECT_FALSE(parse_setting(latency, "nan").ok());
  const auto error = parse_setting(latency, "6s");
  ASSERT_FALSE(error.ok());
  EXPECT_EQ(error.error().code, sqlstate::kInvalidParameterValue);
  EXPECT_NE(error.error().message.find("10ms .. 5s"), std::string::npos) << error.error().message;
  EXPECT_EQ(parse_setting(*find_setting("ring_capacity"), "4MB")->integer, 4 << 20);
  EXPECT_FALSE(parse_setting(*find_setting("ring_capacity"), "5MB").ok());
  EXPECT_EQ(parse_setting(*find_setting("max_emit_rate_per_process"), "500/s")->integer, 500);
  EXPECT_EQ(parse_setting(*find_setting("ssl"), "tr")->text, "on");
  EXPECT_FALSE(parse_setting(*find_setting("ssl"), "o").ok());
  EXPECT_EQ(find_setting("timezone"), find_setting("TimeZone"));
}

TEST(ConfigFile, FormsAndErrors) {
  const auto parsed = parse_config("f", "# c\nport = 1 # x\n hba = [\"a b\",\n 'c',\n]\nx = 'it''s'\ny 5");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  ASSERT_EQ(parsed->size(), 4u);
  EXPECT_EQ((*parsed)[0].value, "1");
  EXPECT_EQ((*parsed)[1].value, "a b\nc");
  EXPECT_EQ((*parsed)[2].value, "it's");
  EXPECT_EQ((*parsed)[3].line, 7);
  EXPECT_NE(parse_config("f", "a = 1\nb = 'x").error().message.find("line 2"), std::string::npos);
  EXPECT_FALSE(parse_config("f", "= 3").ok());
  EXPECT_FALSE(parse_config("f", "a = [\"x\"").ok());
  EXPECT_FALSE(parse_config("f", "a = 'x' y").ok());
}

TEST(ConfigFile, WrittenListsAndQuotesReadBack) {
  TemporaryDirectory directory;
  const std::string file = directory.path() + "/written.conf";
  const std::vector<std::pair<std::string, std::string>> values = {
      {"hba", "local all all peer\nhost all all ::/0 scram-sha-256"}, {"application_name", "it's"}};
  ASSERT_TRUE(write_config_file(file, values).ok());
  const auto read = read_config_file(file, false);
  ASSERT_TRUE(read.ok()) << read.error().message;
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ((*read)[0].value, values[0].second);
  EXPECT_EQ((*read)[1].value, values[1].second);
}

TEST(Settings, LaterSourcesWin) {
  TemporaryDirectory directory;
  directory.write("eventd.conf", "port = 1111\nmax_batch_size = 200\nstorage_shards = 3\n");
  ::setenv("EVENTD_MAX_BATCH_SIZE", "300", 1);
  Settings::Sources sources;
  sources.data_directory = directory.path();
  sources.overrides = {{"storage_shards", "4"}};
  const auto settings = Settings::load(sources);
  ::unsetenv("EVENTD_MAX_BATCH_SIZE");
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_EQ((*settings)->integer("port"), 1111);
  EXPECT_EQ((*settings)->integer("max_batch_size"), 300);
  EXPECT_EQ((*settings)->integer("storage_shards"), 4);
  EXPECT_EQ((*settings)->text("data_directory"), directory.path());
}

TEST(Settings, RefusesNamingFileLineValueAndRange) {
  TemporaryDirectory directory;
  directory.write("eventd.conf", "\nport = 70000\n");
  Settings::Sources sources;
  sources.data_directory = directory.path();
  const auto settings = Settings::load(sources);
  ASSERT_FALSE(settings.ok());
  const std::string& message = settings.error().message;
  for (const char* part : {"eventd.conf", "line 2", "70000", "0 .. 65535"}) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  }
  directory.write("eventd.conf", "nonsense = 1\n");
  EXPECT_FALSE(Settings::load(sources).ok());
}

TEST(Settings, AlterSystemAndReload) {
  TemporaryDirectory directory;
  Settings::Sources sources;
  sources.data_directory = directory.path();
  auto settings = Settings::load(sources);
  ASSERT_TRUE(settings.ok());
  std::string changed;
  (*settings)->on_change([&](std::string_view name, const SettingValue& before,
                             const SettingValue& after) {
    changed += std::string(name) + ":" + before.text + ">" + after.text;
  });
  ASSERT_TRUE((*settings)->alter_system("max_batch_latency", "200ms").ok());
  EXPECT_FALSE((*settings)->alter_system("max_batch_latency", "1h").ok());
  EXPECT_FALSE((*settings)->alter_system("nope", "1").ok());
  EXPECT_EQ((*settings)->integer("max_batch_latency"), 100);
  EXPECT_EQ((*settings)->reload(), std::vector<std::string>{"max_batch_latency"});
  EXPECT_EQ(changed, "max_batch_latency:100ms>200ms");
  ASSERT_TRUE((*settings)->alter_system("", std::nullopt).ok());
  (*settings)->reload();
  EXPECT_EQ((*settings)->integer("max_batch_latency"), 100);
}

TEST(Settings, AWrongValueAtReloadKeepsTheOldOneAndOthersApply) {
  TemporaryDirectory directory;
  directory.write("eventd.conf", "max_batch_size = 500\nmax_batch_latency = 50ms\n");
  Settings::Sources sources;
  sources.data_directory = directory.path();
  auto settings = Settings::load(sources);
  ASSERT_TRUE(settings.ok());
  directory.write("eventd.conf", "max_batch_size = 5\nnonsense = 1\nmax_batch_latency = 70ms\nport = 7\n");
  EXPECT_EQ((*settings)->reload(), std::vector<std::string>{"max_batch_latency"});
  EXPECT_EQ((*settings)->integer("max_batch_size"), 500);
  EXPECT_EQ((*settings)->integer("max_batch_latency"), 70);
  EXPECT_EQ((*settings)->integer("port"), 5432) << "applies after a restart";
  // No configuration at all: nothing changes.
  directory.write("eventd.conf", "max_batch_latency = 80ms\n\"\n");
  EXPECT_TRUE((*settings)->reload().empty());
  EXPECT_EQ((*settings)->integer("max_batch_latency"), 70);
}

TEST(SessionSettings, TransactionScope) {
  TemporaryDirectory directory;
  Settings::Sources sources;
  sources.data_directory = directory.path();
  auto server = Settings::load(sources);
  ASSERT_TRUE(server.ok());
  SessionSettings session(**server);
  ASSERT_TRUE(session.set_startup("application_name", "app").ok());
  session.begin_transaction();
  ASSERT_TRUE(session.set("application_name", "x", false, false).ok());
  ASSERT_TRUE(session.set("statement_timeout", "1s", true, false).ok());
  session.savepoint();
  ASSERT_TRUE(session.set("application_name", "y", false, false).ok());
  session.rollback_savepoint();
  EXPECT_EQ(session.get("application_name")->text, "x");
  EXPECT_EQ(session.integer("statement_timeout"), 1000);
  session.rollback_transaction();
  EXPECT_EQ(session.get("application_name")->text, "app");
  EXPECT_EQ(session.integer("statement_timeout"), 30'000);
  EXPECT_EQ(session.take_reports(),
            (std::vector<std::pair<std::string, std::string>>{{"application_name", "app"}}));
  EXPECT_EQ(session.set("nope", "1", false, true).error().code, sqlstate::kUndefinedObject);
  EXPECT_EQ(session.set("port", "1", false, true).error().code, sqlstate::kCantChangeRuntimeParam);
  EXPECT_TRUE(session.set("my.x", "1", false, false).ok());
  EXPECT_EQ(session.get("my.x")->text, "1");
}

}  // namespace
}  // namespace eventd::engine
