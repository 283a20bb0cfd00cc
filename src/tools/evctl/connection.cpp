#include "connection.h"

#include <fstream>

namespace eventd::evctl {
namespace {

Status no_server(const std::string& directory) {
  return Status(sqlstate::kConnectionFailure, "no server runs on " + directory +
                                                  " (there is no server.address in it); -D names "
                                                  "another directory, --url a server");
}

// Passwords are generated from letters and digits, but one given by hand may hold anything.
std::string url_escaped(const std::string& text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (isalnum(byte) != 0) {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

Result<ConnectionPtr> open(const std::string& conninfo) {
  ConnectionPtr connection(PQconnectdb(conninfo.c_str()));
  if (PQstatus(connection.get()) != CONNECTION_OK) return server_error(connection.get());
  return connection;
}

}  // namespace

Status server_error(const PGconn* connection) {
  std::string message = PQerrorMessage(connection);
  while (!message.empty() && message.back() == '\n') message.pop_back();
  return Status(sqlstate::kConnectionException, message);
}

Result<ServerAddress> read_address(const std::string& data_directory) {
  std::ifstream in(data_directory + "/server.address");
  ServerAddress address;
  if (!(in >> address.host >> address.port) || in.get() != ' ' ||
      !std::getline(in, address.run_directory) || address.port <= 0) {
    return no_server(data_directory);
  }
  return address;
}

Result<std::string> connection_url(const std::string& data_directory) {
  ASSIGN_OR_RETURN(const ServerAddress address, read_address(data_directory));
  std::ifstream in(data_directory + "/admin.password");
  std::string password;
  if (!std::getline(in, password)) {
    return Status(sqlstate::kInvalidPassword,
                  data_directory + "/admin.password can't be read: the password was given to the "
                                   "server at its first start");
  }
  return "postgresql://admin:" + url_escaped(password) + "@" + address.host + ":" +
         std::to_string(address.port) + "/eventd?sslmode=prefer";
}

Result<ConnectionPtr> connect(const Target& target) {
  if (!target.url.empty()) return open(target.url);
  ASSIGN_OR_RETURN(const ServerAddress address, read_address(target.data_directory));
  Result<ConnectionPtr> by_socket =
      open("host='" + address.run_directory + "' port=" + std::to_string(address.port) +
           " dbname=eventd");
  if (by_socket.ok()) return by_socket;
  const auto url = connection_url(target.data_directory);
  if (!url.ok()) return by_socket;
  return open(*url);
}

}  // namespace eventd::evctl
