#include "pgwire/engine_backend.h"

#include <fcntl.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>

#include "engine/settings/settings.h"
#include "log.h"
#include "pgwire/scram.h"
#include "unique_fd.h"

namespace eventd::pgwire {
namespace {

constexpr size_t kSecretBytes = 32;

/// Reads the secret, or draws and writes it. It makes salts of unknown roles stable over restarts.
Result<std::string> load_secret(const std::string& path) {
  std::string secret(kSecretBytes, '\0');
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.valid() && ::read(fd.get(), secret.data(), secret.size()) ==
                        static_cast<ssize_t>(secret.size()))
    return secret;
  secret = random_bytes(kSecretBytes);
  fd.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd.valid() || ::write(fd.get(), secret.data(), secret.size()) !=
                         static_cast<ssize_t>(secret.size()))
    return {sqlstate::kIoError, "could not write \"" + path + "\": " + std::strerror(errno)};
  return secret;
}

Result<std::shared_ptr<const AccessSettings>> read_access(const engine::Settings& settings) {
  auto access = std::make_shared<AccessSettings>();
  ASSIGN_OR_RETURN(access->hba, HbaRules::parse(settings.text("hba")));
  for (const HbaRule& rule : access->hba.rules()) {
    if (rule.method == AuthMethod::kTrust)
      log::warning("hba: method trust lets anyone on this machine in without a password");
  }
  access->ssl = settings.boolean("ssl");
  access->max_message_bytes = static_cast<size_t>(settings.integer("max_message_size"));
  access->max_connections = static_cast<int>(settings.integer("max_connections"));
  access->superuser_reserved_connections =
      static_cast<int>(settings.integer("superuser_reserved_connections"));
  access->authentication_timeout_ms = settings.integer("authentication_timeout");
  return std::shared_ptr<const AccessSettings>(std::move(access));
}

class EngineBackend final : public Backend {
 public:
  EngineBackend(engine::Engine& engine, std::shared_ptr<const AccessSettings> access,
                std::string secret)
      : engine_(engine), secret_(std::move(secret)), access_(std::move(access)) {}

  std::shared_ptr<const AccessSettings> access() const override {
    const std::lock_guard lock(mutex_);
    return access_;
  }
  Status reload() override {
    ASSIGN_OR_RETURN(auto access, read_access(engine_.settings()));
    const std::lock_guard lock(mutex_);
    access_ = std::move(access);
    return {};
  }
  std::optional<engine::RoleLogin> find_role(std::string_view name) const override {
    return engine_.find_role(name);
  }
  bool database_exists(std::string_view name) const override {
    return engine_.database_exists(name);
  }
  std::unique_ptr<engine::Session> make_session(const engine::SessionIdentity& identity) override {
    return engine_.make_session(identity);
  }
  void cancel(int32_t pid, int32_t key) override { engine_.cancel(pid, key); }
  std::string_view mock_secret() const override { return secret_; }
  bool acquire_slot(bool superuser) override {
    const auto settings = access();
    const int limit = settings->max_connections -
                      (superuser ? 0 : settings->superuser_reserved_connections);
    if (sessions_.fetch_add(1) < limit) return true;
    sessions_.fetch_sub(1);
    return false;
  }
  void release_slot() override { sessions_.fetch_sub(1); }

 private:
  engine::Engine& engine_;
  const std::string secret_;
  mutable std::mutex mutex_;
  std::shared_ptr<const AccessSettings> access_;  // GUARDED_BY(mutex_)
  std::atomic<int> sessions_{0};
};

bool is_loopback_host(std::string_view host) {
  if (host == "localhost") return true;
  const auto address = IpAddress::parse(host);
  return address && address->is_loopback();
}

Result<std::string> check_hba(std::string_view text) {
  ASSIGN_OR_RETURN(const HbaRules rules, HbaRules::parse(text));
  (void)rules;
  return std::string(text);
}

}  // namespace

void register_setting_checks() { engine::register_setting_check("hba", check_hba); }

Result<std::unique_ptr<Backend>> make_engine_backend(engine::Engine& engine) {
  ASSIGN_OR_RETURN(auto access, read_access(engine.settings()));
  ASSIGN_OR_RETURN(std::string secret, load_secret(engine.data_directory() + "/scram_mock.key"));
  return std::unique_ptr<Backend>(
      new EngineBackend(engine, std::move(access), std::move(secret)));
}

Result<ServerOptions> server_options(const engine::Engine& engine) {
  const engine::Settings& settings = engine.settings();
  ServerOptions options;
  options.listen_addresses = settings.text("listen_addresses");
  options.port = static_cast<uint16_t>(settings.integer("port"));
  options.run_directory = engine.run_directory();
  options.data_directory = engine.data_directory();
  options.ssl = settings.boolean("ssl");
  options.ssl_cert_file = settings.text("ssl_cert_file");
  options.ssl_key_file = settings.text("ssl_key_file");
  options.ssl_min_protocol_version = settings.text("ssl_min_protocol_version");
  options.io_threads = static_cast<int>(settings.integer("io_threads"));
  options.shutdown_timeout_ms = settings.integer("shutdown_timeout");
  if (!options.ssl) {
    std::string_view rest = options.listen_addresses;
    while (!rest.empty()) {
      const size_t comma = std::min(rest.find(','), rest.size());
      const std::string_view host = rest.substr(0, comma);
      rest.remove_prefix(std::min(comma + 1, rest.size()));
      if (!host.empty() && !is_loopback_host(host))
        log::warning("ssl = off: passwords are safe, but data to \"" + std::string(host) +
                     "\" travels unencrypted");
    }
  }
  return options;
}

}  // namespace eventd::pgwire
