// Roles, in catalog.db (synchronous=FULL). Corrupt or of unknown version: opening fails.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "guid.h"
#include "result.h"

namespace eventd::engine {

struct Role {
  std::string name;
  bool can_login = false;
  bool superuser = false;
  std::string scram_verifier;  ///< empty = no password
};

/// Thread-safe. Reads come from memory; writes go through to the database first.
class RoleStore {
 public:
  static Result<std::unique_ptr<RoleStore>> open(const std::string& path);
  ~RoleStore();

  std::optional<Role> find(std::string_view name) const;
  bool empty() const;
  /// Creates or replaces; durable when it returns OK.
  Status put(const Role& role);

 private:
  struct Impl;
  explicit RoleStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// First start: role `admin` (password from EVENTD_PASSWORD or EVENTD_PASSWORD_FILE, else a random
/// one in <data_directory>/admin.password, 0600) and a superuser named after the OS user.
/// Nothing to do when there are roles already.
Status create_first_roles(RoleStore& roles, const std::string& data_directory);

/// A version-5 GUID (SHA-1) of a role's name in eventd's namespace: the token GUIDs of SQL rows.
Guid role_guid(std::string_view role);

}  // namespace eventd::engine
