#include "pgwire/startup.h"

#include <pwd.h>

#include <algorithm>
#include <array>

#include "log.h"
#include "pgwire/message_writer.h"
#include "pgwire/messages.h"
#include "pgwire/utf8.h"

namespace eventd::pgwire {
namespace {

using Next = Startup::Next;

/// The OS user's name, empty if it has none.
std::string user_name(uint32_t uid) {
  std::array<char, 16 * 1024> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return {};
  return found->pw_name;
}

bool is_false(std::string_view value) {
  return value == "false" || value == "off" || value == "no" || value == "0";
}

}  // namespace

Startup::Startup(Backend& backend, std::shared_ptr<const AccessSettings> access, Peer peer,
                 bool tls_available)
    : backend_(backend),
      access_(std::move(access)),
      peer_(std::move(peer)),
      tls_available_(tls_available) {}

Next Startup::fatal(std::string& out, SqlState code, std::string message) {
  Error error;
  error.code = code;
  error.message = std::move(message);
  MessageWriter(out).error(Severity::kFatal, error);
  stage_ = Stage::kDone;
  return Next::kClose;
}

Next Startup::on_startup_packet(std::string_view body, bool tls, std::string& out) {
  StartupPacket packet;
  if (Status status = decode_startup(body, packet); !status.ok())
    return fatal(out, status.error().code, status.error().message);
  switch (packet.code) {
    case kSslRequestCode:
      // Answered once: a second request, or one inside TLS, is no start-up packet we know.
      if (ssl_answered_ || tls)
        return fatal(out, sqlstate::kProtocolViolation, "unexpected SSLRequest");
      ssl_answered_ = true;
      if (tls_available_) {
        out.push_back('S');
        return Next::kStartTls;
      }
      out.push_back('N');
      return Next::kContinue;
    case kGssEncRequestCode:
      if (gss_answered_) return fatal(out, sqlstate::kProtocolViolation, "unexpected GSSENCRequest");
      gss_answered_ = true;
      out.push_back('N');
      return Next::kContinue;
    case kCancelRequestCode:
      backend_.cancel(packet.cancel_pid, packet.cancel_key);
      return Next::kClose;
    default:
      break;
  }
  if (packet.code >> 16 != 3) {
    return fatal(out, sqlstate::kFeatureNotSupported,
                 "unsupported frontend protocol " + std::to_string(packet.code >> 16) + "." +
                     std::to_string(packet.code & 0xffff) + ": server supports 3.0 to 3.0");
  }
  return on_protocol_30(packet, tls, out);
}

Next Startup::on_protocol_30(const StartupPacket& packet, bool tls, std::string& out) {
  std::vector<std::string_view> unknown_options;
  std::string_view options;
  for (const auto& [name, value] : packet.parameters) {
    if (!is_valid_utf8(name) || !is_valid_utf8(value))
      return fatal(out, sqlstate::kCharacterNotInRepertoire,
                   "invalid byte sequence for encoding \"UTF8\"");
    if (name == "user") {
      user_ = value;
    } else if (name == "database") {
      database_ = value;
    } else if (name == "options") {
      options = value;
    } else if (name == "replication") {
      if (!is_false(value))
        return fatal(out, sqlstate::kFeatureNotSupported, "replication connections are not supported");
    } else if (name.starts_with("_pq_.")) {
      unknown_options.push_back(name);
    } else {
      settings_.emplace_back(name, value);
    }
  }
  if (user_.empty())
    return fatal(out, sqlstate::kInvalidAuthorizationSpecification,
                 "no PostgreSQL user name specified in startup packet");
  if (database_.empty()) database_ = user_;
  if (Status status = parse_options(options); !status.ok())
    return fatal(out, status.error().code, status.error().message);
  if ((packet.code & 0xffff) != 0 || !unknown_options.empty())
    MessageWriter(out).negotiate_protocol_version(unknown_options);
  return authenticate(tls, out);
}

/// `-c name=value`, `-cname=value`, `--name=value`; blanks separate, a backslash keeps the next byte.
Status Startup::parse_options(std::string_view options) {
  std::vector<std::string> words;
  bool in_word = false;
  for (size_t i = 0; i < options.size(); ++i) {
    const char c = options[i];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (c == '\\' && i + 1 < options.size()) words.back().push_back(options[++i]);
    else words.back().push_back(c);
  }
  std::vector<std::pair<std::string, std::string>> parsed;
  for (size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (word == "-c" && i + 1 < words.size()) word = words[++i];
    else if (word.starts_with("-c") || word.starts_with("--")) word.remove_prefix(2);
    else
      return {sqlstate::kSyntaxError,
              "invalid command-line argument for server process: " + std::string(word)};
    const size_t equals = word.find('=');
    if (equals == std::string_view::npos || equals == 0)
      return {sqlstate::kSyntaxError, "-c " + std::string(word) + " requires a value"};
    std::string name(word.substr(0, equals));
    std::replace(name.begin(), name.end(), '-', '_');
    parsed.emplace_back(std::move(name), std::string(word.substr(equals + 1)));
  }
  // PostgreSQL applies the options before the packet's other settings, so those win.
  settings_.insert(settings_.begin(), std::make_move_iterator(parsed.begin()),
                   std::make_move_iterator(parsed.end()));
  return {};
}

Next Startup::authenticate(bool tls, std::string& out) {
  const auto method = access_->hba.find(peer_, tls, database_, user_);
  if (!method || *method == AuthMethod::kReject || *method == AuthMethod::kCert) {
    const std::string where = peer_.unix_socket ? "[local]" : peer_.address_text;
    return fatal(out, sqlstate::kInvalidAuthorizationSpecification,
                 std::string(method ? "pg_hba.conf rejects connection" : "no pg_hba.conf entry") +
                     " for host \"" + where + "\", user \"" + user_ + "\", database \"" + database_ +
                     "\", " + (tls ? "SSL encryption" : "no encryption"));
  }
  switch (*method) {
    case AuthMethod::kPeer: return check_peer(out);
    case AuthMethod::kScramSha256: return start_scram(out);
    default: return accept(out);
  }
}

Next Startup::check_peer(std::string& out) {
  if (!peer_.uid || user_name(*peer_.uid) != user_) {
    return fatal(out, sqlstate::kInvalidAuthorizationSpecification,
                 "Peer authentication failed for user \"" + user_ + "\"");
  }
  return accept(out);
}

bool Startup::throttled() const {
  return !peer_.unix_socket && !backend_.logins().allowed(peer_.address);
}

Next Startup::refuse_throttled(std::string& out) {
  return fatal(out, sqlstate::kTooManyConnections,
               "too many failed logins from this address, try again later");
}

Next Startup::start_scram(std::string& out) {
  if (throttled()) return refuse_throttled(out);
  const auto role = backend_.find_role(user_);
  std::optional<ScramVerifier> verifier;
  if (role && role->can_login) verifier = ScramVerifier::parse(role->scram_verifier);
  const bool genuine = verifier.has_value();
  scram_.emplace(genuine ? std::move(*verifier) : ScramVerifier::mock(user_, backend_.mock_secret()),
                 genuine);
  MessageWriter(out).authentication_sasl(kScramSha256);
  stage_ = Stage::kSaslInitial;
  return Next::kContinue;
}

Next Startup::on_password_message(std::string_view body, std::string& out) {
  if (!scram_ || (stage_ != Stage::kSaslInitial && stage_ != Stage::kSaslFinal))
    return fatal(out, sqlstate::kProtocolViolation, "unexpected password message");
  Result<std::string> reply = std::string();
  if (stage_ == Stage::kSaslInitial) {
    SaslInitialResponse message;
    if (Status status = decode_sasl_initial(body, message); !status.ok())
      return fatal(out, status.error().code, status.error().message);
    if (message.mechanism != kScramSha256)
      return fatal(out, sqlstate::kProtocolViolation,
                   "client selected an invalid SASL authentication mechanism");
    reply = scram_->first(message.response);
  } else {
    if (throttled()) return refuse_throttled(out);  // others failed since this one started
    reply = scram_->finish(body);
  }
  if (!reply.ok()) {
    const Error& error = reply.error();
    if (error.code == sqlstate::kInvalidPassword) {
      if (!peer_.unix_socket) backend_.logins().failed(peer_.address);
      (void)fatal(out, sqlstate::kInvalidPassword,
                  "password authentication failed for user \"" + user_ + "\"");
      return Next::kRefuse;
    }
    return fatal(out, error.code, error.message);
  }
  if (stage_ == Stage::kSaslInitial) {
    MessageWriter(out).authentication_sasl_continue(*reply);
    stage_ = Stage::kSaslFinal;
    return Next::kContinue;
  }
  MessageWriter(out).authentication_sasl_final(*reply);
  return accept(out);
}

/// The client is who it says; now whether that role and database are there.
Next Startup::accept(std::string& out) {
  MessageWriter(out).authentication_ok();
  const auto role = backend_.find_role(user_);
  if (!role)
    return fatal(out, sqlstate::kInvalidAuthorizationSpecification,
                 "role \"" + user_ + "\" does not exist");
  if (!role->can_login)
    return fatal(out, sqlstate::kInvalidAuthorizationSpecification,
                 "role \"" + user_ + "\" is not permitted to log in");
  if (!backend_.database_exists(database_))
    return fatal(out, sqlstate::kInvalidCatalogName, "database \"" + database_ + "\" does not exist");
  superuser_ = role->superuser;
  stage_ = Stage::kDone;
  return Next::kAuthenticated;
}

}  // namespace eventd::pgwire
