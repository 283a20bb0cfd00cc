#include "engine/catalog/role_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "engine/catalog/relation_catalog.h"
#include "engine/catalog/scram_verifier.h"

namespace eventd::engine {
namespace {

class RoleStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "eventd-roles-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string directory_;
};

TEST_F(RoleStoreTest, FirstStartMakesAdminWithASecretPassword) {
  {
    auto roles = RoleStore::open(directory_ + "/catalog.db");
    ASSERT_TRUE(roles.ok()) << roles.error().message;
    ASSERT_TRUE(create_first_roles(**roles, directory_).ok());
    ASSERT_TRUE((*roles)->find("admin").has_value());
    EXPECT_TRUE((*roles)->find("admin")->superuser);
    EXPECT_FALSE((*roles)->find("nobody-here").has_value());
    struct stat info {};
    ASSERT_EQ(::stat((directory_ + "/admin.password").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
  }
  // Kept over a restart, and the password isn't made anew.
  const auto written = std::filesystem::last_write_time(directory_ + "/admin.password");
  auto roles = RoleStore::open(directory_ + "/catalog.db");
  ASSERT_TRUE(roles.ok());
  ASSERT_TRUE(create_first_roles(**roles, directory_).ok());
  EXPECT_TRUE((*roles)->find("admin")->scram_verifier.starts_with("SCRAM-SHA-256$4096:"));
  EXPECT_EQ(std::filesystem::last_write_time(directory_ + "/admin.password"), written);
}

TEST_F(RoleStoreTest, CorruptOrUnknownCatalogIsRefused) {
  const std::string path = directory_ + "/catalog.db";
  std::ofstream(path) << std::string(8192, 'x');
  EXPECT_FALSE(RoleStore::open(path).ok());
}

TEST(ScramVerifier, SaltedAndWellFormed) {
  const std::string a = make_scram_verifier("secret");
  EXPECT_NE(a, make_scram_verifier("secret"));
  EXPECT_EQ(std::count(a.begin(), a.end(), '$'), 2);
  EXPECT_EQ(random_password(24).size(), 24u);
}

TEST(RoleGuid, StableAndVersionFive) {
  EXPECT_EQ(role_guid("admin"), role_guid("admin"));
  EXPECT_NE(role_guid("admin"), role_guid("other"));
  EXPECT_EQ(role_guid("admin").to_string()[14], '5');
}

}  // namespace
}  // namespace eventd::engine
