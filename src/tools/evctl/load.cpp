#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <vector>

#include "commands.h"
#include "engine/payload/json_to_msgpack.h"
#include "engine/payload/msgpack_path.h"

namespace eventd::evctl {
namespace {

constexpr size_t kSendBytes = 64 * 1024;

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  size_t start = 0;
  while (start <= text.size()) {
    const size_t end = std::min(text.find(',', start), text.size());
    if (end > start) parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

// One part of a type: lower case, nothing but letters, digits and _. A Windows channel loses what
// every channel has: Microsoft-Windows-Sysmon/Operational → sysmon.
std::string type_part(std::string value) {
  static constexpr std::string_view kVendor = "Microsoft-Windows-";
  if (value.starts_with(kVendor)) value.erase(0, kVendor.size());
  value.resize(std::min(value.find('/'), value.size()));
  for (char& c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) continue;
    c = isalnum(byte) != 0 ? static_cast<char>(tolower(byte)) : '_';
  }
  return value;
}

// COPY's text form.
void append_escaped(const std::string& text, std::string& out) {
  for (const char c : text) {
    switch (c) {
      case '\\': out += "\\\\"; break;
      case '\t': out += "\\t"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      default: out += c;
    }
  }
}

class EventLoader {
 public:
  EventLoader(PGconn* connection, const LoadOptions& options)
      : connection_(connection), options_(options) {
    for (std::string& field : split(options.type_from)) fields_.push_back({std::move(field)});
  }

  Status run(std::istream& in) {
    // A large file takes longer than any statement ought to.
    const ResultPtr unlimited(PQexec(connection_, "SET statement_timeout = 0"));
    if (PQresultStatus(unlimited.get()) != PGRES_COMMAND_OK) return server_error(connection_);
    const ResultPtr begun(PQexec(connection_, "COPY events (event_type, payload) FROM STDIN"));
    if (PQresultStatus(begun.get()) != PGRES_COPY_IN) return server_error(connection_);
    Status status = send_lines(in);
    const std::string reason = status.ok() ? "" : status.error().message;
    if (PQputCopyEnd(connection_, status.ok() ? nullptr : reason.c_str()) != 1) {
      return server_error(connection_);
    }
    const ResultPtr ended(PQgetResult(connection_));
    if (!status.ok()) return status;
    if (PQresultStatus(ended.get()) != PGRES_COMMAND_OK) return server_error(connection_);
    std::printf("loaded %s events\n", PQcmdTuples(ended.get()));
    return {};
  }

 private:
  Status send_lines(std::istream& in) {
    std::string line, copy_data;
    while (std::getline(in, line)) {
      ++line_;
      if (!line.empty() && line.back() == '\r') line.pop_back();
      if (line.empty()) continue;
      std::string type = options_.type;
      if (!fields_.empty()) {
        ASSIGN_OR_RETURN(type, type_of(line));
      }
      append_escaped(type, copy_data);
      copy_data += '\t';
      append_escaped(line, copy_data);
      copy_data += '\n';
      if (copy_data.size() >= kSendBytes) RETURN_IF_ERROR(send(copy_data));
    }
    if (in.bad()) return Status(sqlstate::kIoError, std::string("cannot read: ") + std::strerror(errno));
    return send(copy_data);
  }

  Status send(std::string& copy_data) {
    if (!copy_data.empty() &&
        PQputCopyData(connection_, copy_data.data(), static_cast<int>(copy_data.size())) != 1) {
      return server_error(connection_);
    }
    copy_data.clear();
    return {};
  }

  Result<std::string> type_of(const std::string& line) {
    payload_.clear();
    if (Status status = engine::append_msgpack_from_json(line, {}, payload_); !status.ok()) {
      status.error().message = "line " + std::to_string(line_) + ": " + status.error().message;
      return status;
    }
    std::string type;
    for (const auto& path : fields_) {
      std::string value;
      if (!engine::append_path_text(as_bytes(payload_), path, value)) {
        return Status(sqlstate::kInvalidParameterValue,
                      "line " + std::to_string(line_) + " has no field \"" + path[0] + "\"");
      }
      type += (type.empty() ? "" : ".") + type_part(std::move(value));
    }
    return type;
  }

  PGconn* connection_;
  const LoadOptions& options_;
  std::vector<std::vector<std::string>> fields_;  // each a path of one key
  std::string payload_;
  size_t line_ = 0;
};

}  // namespace

Status load(PGconn* connection, const LoadOptions& options) {
  EventLoader loader(connection, options);
  if (options.file == "-") return loader.run(std::cin);
  std::ifstream in(options.file, std::ios::binary);
  if (!in) {
    return Status(sqlstate::kIoError, "cannot read " + options.file + ": " + std::strerror(errno));
  }
  return loader.run(in);
}

}  // namespace eventd::evctl
