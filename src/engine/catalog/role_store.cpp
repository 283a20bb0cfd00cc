#include "engine/catalog/role_store.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>

#include "clock.h"
#include "engine/catalog/scram_verifier.h"
#include "engine/storage/sqlite.h"
#include "log.h"
#include "unique_fd.h"

namespace eventd::engine {
namespace {

constexpr int64_t kSchemaVersion = 1;
constexpr size_t kPasswordLength = 24;

constexpr char kSchema[] = R"(
CREATE TABLE IF NOT EXISTS metadata (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS roles (
  name TEXT PRIMARY KEY,
  can_login INTEGER NOT NULL,
  superuser INTEGER NOT NULL,
  scram_verifier TEXT NOT NULL
);
INSERT OR IGNORE INTO metadata VALUES ('schema_version', '1');
INSERT OR IGNORE INTO metadata VALUES ('created_at', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'));
)";

}  // namespace

struct RoleStore::Impl {
  mutable std::mutex mutex;
  sqlite::Connection database;                    // guarded by mutex
  std::map<std::string, Role, std::less<>> roles;  // guarded by mutex

  Status load() {
    ASSIGN_OR_RETURN(auto statement,
                     database.prepare("SELECT name, can_login, superuser, scram_verifier FROM roles"));
    while (true) {
      ASSIGN_OR_RETURN(const bool row, statement.step());
      if (!row) return {};
      Role role{std::string(statement.text(0)), statement.int64(1) != 0, statement.int64(2) != 0,
                std::string(statement.text(3))};
      roles[role.name] = std::move(role);
    }
  }
};

RoleStore::RoleStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RoleStore::~RoleStore() = default;

Result<std::unique_ptr<RoleStore>> RoleStore::open(const std::string& path) {
  auto impl = std::make_unique<Impl>();
  ASSIGN_OR_RETURN(impl->database, sqlite::Connection::open(path, sqlite::ConnectionOptions{}));
  RETURN_IF_ERROR(impl->database.exec(kSchema));
  ASSIGN_OR_RETURN(const int64_t version,
                   impl->database.query_int64(
                       "SELECT CAST(value AS INTEGER) FROM metadata WHERE key = 'schema_version'"));
  if (version != kSchemaVersion) {
    return Status(sqlstate::kDataCorrupted,
                  path + " has schema version " + std::to_string(version) + ", this server knows " +
                      std::to_string(kSchemaVersion));
  }
  RETURN_IF_ERROR(impl->load());
  return std::unique_ptr<RoleStore>(new RoleStore(std::move(impl)));
}

std::optional<Role> RoleStore::find(std::string_view name) const {
  const std::lock_guard lock(impl_->mutex);
  const auto at = impl_->roles.find(name);
  if (at == impl_->roles.end()) return std::nullopt;
  return at->second;
}

bool RoleStore::empty() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->roles.empty();
}

Status RoleStore::put(const Role& role) {
  const std::lock_guard lock(impl_->mutex);
  ASSIGN_OR_RETURN(auto statement,
                   impl_->database.prepare("INSERT OR REPLACE INTO roles VALUES (?, ?, ?, ?)"));
  statement.bind_text(1, role.name);
  statement.bind(2, role.can_login ? 1 : 0);
  statement.bind(3, role.superuser ? 1 : 0);
  statement.bind_text(4, role.scram_verifier);
  RETURN_IF_ERROR(statement.run());
  impl_->roles[role.name] = role;
  return {};
}

namespace {

// EVENTD_PASSWORD, or the first line of EVENTD_PASSWORD_FILE; empty = neither.
Result<std::string> password_from_environment() {
  if (const char* password = std::getenv("EVENTD_PASSWORD")) return std::string(password);
  const char* file = std::getenv("EVENTD_PASSWORD_FILE");
  if (file == nullptr) return std::string();
  std::ifstream in(file);
  std::string password;
  if (!in || !std::getline(in, password) || password.empty()) {
    return Status(sqlstate::kConfigFileError, std::string("EVENTD_PASSWORD_FILE ") + file +
                                                  " cannot be read or has an empty first line");
  }
  return password;
}

Status write_secret(const std::string& file, const std::string& secret) {
  UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  const std::string line = secret + "\n";
  if (!fd.valid() || ::write(fd.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()) ||
      ::fsync(fd.get()) != 0) {
    return Status(sqlstate::kIoError, "cannot write " + file + ": " + std::strerror(errno));
  }
  return {};
}

std::string os_user_name() {
  char buffer[16'384];
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(::geteuid(), &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr) {
    return found->pw_name;
  }
  return {};
}

}  // namespace

Status create_first_roles(RoleStore& roles, const std::string& data_directory) {
  if (!roles.empty()) return {};
  ASSIGN_OR_RETURN(std::string password, password_from_environment());
  if (password.empty()) {
    password = random_password(kPasswordLength);
    const std::string file = data_directory + "/admin.password";
    RETURN_IF_ERROR(write_secret(file, password));
    log::info("role admin has a random password, kept in " + file);
  }
  RETURN_IF_ERROR(roles.put({"admin", true, true, make_scram_verifier(password)}));
  const std::string user = os_user_name();
  if (!user.empty() && user != "admin") RETURN_IF_ERROR(roles.put({user, true, true, ""}));
  return {};
}

Guid role_guid(std::string_view role) {
  // RFC 4122 §4.3 in a namespace of our own.
  static constexpr unsigned char kNamespace[16] = {0x6b, 0x1d, 0x0e, 0x5a, 0x93, 0x4c, 0x4f, 0x7e,
                                                   0x8a, 0x21, 0x5e, 0x76, 0x65, 0x6e, 0x74, 0x64};
  std::string text(reinterpret_cast<const char*>(kNamespace), sizeof kNamespace);
  text += role;
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  std::array<uint8_t, 16> rfc{};
  std::copy_n(digest, rfc.size(), rfc.begin());
  rfc[6] = static_cast<uint8_t>((rfc[6] & 0x0f) | 0x50);
  rfc[8] = static_cast<uint8_t>((rfc[8] & 0x3f) | 0x80);
  return Guid::from_rfc_bytes(rfc);
}

}  // namespace eventd::engine
