// No library reads this form — bare values with PostgreSQL's units and quotes, lists over several
// lines, line numbers for errors — so the few lines are ours.
#include "engine/settings/config_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "unique_fd.h"

namespace eventd::engine {
namespace {

constexpr size_t kFileBytesMax = 1 << 20;

class ConfigParser {
 public:
  ConfigParser(const std::string& file, const std::string& text) : file_(file), text_(text) {}

  Result<std::vector<ConfigEntry>> parse() {
    std::vector<ConfigEntry> entries;
    while (true) {
      skip_blank_lines();
      if (at_ == text_.size()) return entries;
      ConfigEntry entry;
      entry.line = line_;
      while (at_ < text_.size() && (isalnum(static_cast<unsigned char>(text_[at_])) ||
                                    text_[at_] == '_' || text_[at_] == '.')) {
        entry.name += text_[at_++];
      }
      if (entry.name.empty()) return error("expected a setting's name");
      skip_spaces();
      if (at_ < text_.size() && text_[at_] == '=') ++at_;
      skip_spaces();
      if (at_ < text_.size() && text_[at_] == '[') {
        RETURN_IF_ERROR(parse_list(entry.value));
      } else if (at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"')) {
        RETURN_IF_ERROR(parse_quoted(entry.value));
      } else {
        while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '#') {
          entry.value += text_[at_++];
        }
        while (!entry.value.empty() && isspace(static_cast<unsigned char>(entry.value.back()))) {
          entry.value.pop_back();
        }
      }
      skip_spaces();
      if (at_ < text_.size() && text_[at_] == '#') skip_comment();
      if (at_ < text_.size() && text_[at_] != '\n') {
        return error("unexpected text after the value of \"" + entry.name + "\"");
      }
      entries.push_back(std::move(entry));
    }
  }

 private:
  Status error(const std::string& what) const {
    return Status(sqlstate::kConfigFileError,
                  file_ + ", line " + std::to_string(line_) + ": " + what);
  }
  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r')) {
      ++at_;
    }
  }
  void skip_comment() {
    while (at_ < text_.size() && text_[at_] != '\n') ++at_;
  }
  void skip_blank_lines() {
    while (true) {
      skip_spaces();
      if (at_ < text_.size() && text_[at_] == '#') skip_comment();
      if (at_ == text_.size() || text_[at_] != '\n') return;
      ++line_;
      ++at_;
    }
  }
  // 'it''s' or "say ""x""", on one line.
  Status parse_quoted(std::string& value) {
    const char quote = text_[at_++];
    while (at_ < text_.size() && text_[at_] != '\n') {
      if (text_[at_] == quote) {
        if (at_ + 1 < text_.size() && text_[at_ + 1] == quote) {
          ++at_;
        } else {
          ++at_;
          return {};
        }
      }
      value += text_[at_++];
    }
    return error("unterminated quoted value");
  }
  Status parse_list(std::string& value) {
    ++at_;
    bool first = true;
    while (true) {
      skip_blank_lines();
      if (at_ == text_.size()) return error("unterminated list");
      if (text_[at_] == ']') {
        ++at_;
        return {};
      }
      if (!first) {
        if (text_[at_] != ',') return error("expected \",\" or \"]\" in a list");
        ++at_;
        skip_blank_lines();
        if (at_ < text_.size() && text_[at_] == ']') continue;  // a trailing comma
        value += '\n';
      }
      if (at_ == text_.size() || (text_[at_] != '"' && text_[at_] != '\'')) {
        return error("expected a quoted element in a list");
      }
      RETURN_IF_ERROR(parse_quoted(value));
      first = false;
    }
  }

  const std::string& file_;
  const std::string& text_;
  size_t at_ = 0;
  int line_ = 1;
};

}  // namespace

Result<std::vector<ConfigEntry>> parse_config(const std::string& file, const std::string& text) {
  return ConfigParser(file, text).parse();
}

Result<std::vector<ConfigEntry>> read_config_file(const std::string& file, bool optional) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    if (optional && errno == ENOENT) return std::vector<ConfigEntry>{};
    return Status(sqlstate::kConfigFileError, "cannot read " + file + ": " + std::strerror(errno));
  }
  std::string text(kFileBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() > kFileBytesMax) {
    return Status(sqlstate::kConfigFileError, file + " is larger than 1 MB");
  }
  return parse_config(file, text);
}

Status write_config_file(const std::string& file,
                         const std::vector<std::pair<std::string, std::string>>& values) {
  std::string text = "# Written by ALTER SYSTEM; edits are overwritten.\n";
  for (const auto& [name, value] : values) {
    // Several lines are the elements of a list; parse_config joins them again.
    const bool list = value.find('\n') != std::string::npos;
    text += name + (list ? " = ['" : " = '");
    for (const char c : value) {
      if (c == '\n') {
        text += "', '";
      } else {
        if (c == '\'') text += '\'';
        text += c;
      }
    }
    text += list ? "']\n" : "'\n";
  }
  const std::string temporary = file + ".tmp";
  const auto failed = [&](const char* what) {
    return Status(sqlstate::kIoError,
                  std::string(what) + " " + temporary + ": " + std::strerror(errno));
  };
  UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd.valid()) return failed("cannot create");
  for (size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(fd.get(), text.data() + done, text.size() - done);
    if (n < 0) return failed("cannot write");
    done += static_cast<size_t>(n);
  }
  if (::fsync(fd.get()) != 0) return failed("cannot sync");
  if (::rename(temporary.c_str(), file.c_str()) != 0) return failed("cannot rename");
  return {};
}

}  // namespace eventd::engine
