#include "engine/maintenance/backup_manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace eventd::engine {
namespace {

constexpr std::string_view kFirstLine = "eventd-backup 1";
constexpr size_t kNameBytesMax = 255;
constexpr size_t kSha256Digits = 64;

Status bad_manifest(std::string_view what) {
  return {sqlstate::kDataCorrupted, fmt::format("the backup's manifest is damaged: {}", what)};
}

// `events/shard-0000.db`: one folder at most, nothing that leads elsewhere.
bool is_good_name(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax) return false;
  const size_t slash = name.find('/');
  if (slash != std::string_view::npos) {
    return name.find('/', slash + 1) == std::string_view::npos && is_good_name(name.substr(0, slash)) &&
           is_good_name(name.substr(slash + 1));
  }
  return name != "." && name != ".." &&
         std::none_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

bool is_digest(std::string_view text) {
  return text.size() == kSha256Digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Cuts the text before `separator` off the front.
std::string_view take_until(std::string_view& text, char separator) {
  const size_t end = std::min(text.find(separator), text.size());
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return taken;
}

}  // namespace

std::string BackupManifest::to_text() const {
  std::string text = fmt::format("{}\ncreated {}\nserver {}\n", kFirstLine, created, server);
  for (const ManifestFile& file : files)
    text += fmt::format("file {} {} {}\n", file.digest.bytes, file.digest.sha256, file.name);
  return text + "end " + sha256_of(text) + "\n";
}

Result<BackupManifest> BackupManifest::parse(std::string_view text) {
  constexpr size_t kEndLineBytes = 4 + kSha256Digits + 1;
  if (text.size() < kEndLineBytes) return bad_manifest("it is too short");
  std::string_view rest = text.substr(0, text.size() - kEndLineBytes);
  if (text.substr(rest.size()) != "end " + sha256_of(rest) + "\n") {
    return bad_manifest("its checksum does not match");
  }
  BackupManifest manifest;
  if (take_until(rest, '\n') != kFirstLine) return bad_manifest("it is of an unknown version");
  while (!rest.empty()) {
    std::string_view line = take_until(rest, '\n');
    const std::string_view key = take_until(line, ' ');
    if (key == "created") {
      manifest.created = line;
    } else if (key == "server") {
      manifest.server = line;
    } else if (key == "file") {
      ManifestFile file;
      const std::string_view bytes = take_until(line, ' ');
      const auto parsed = std::from_chars(bytes.data(), bytes.data() + bytes.size(), file.digest.bytes);
      file.digest.sha256 = take_until(line, ' ');
      file.name = line;
      if (parsed.ec != std::errc{} || parsed.ptr != bytes.data() + bytes.size() ||
          !is_digest(file.digest.sha256) || !is_good_name(file.name)) {
        return bad_manifest("a line can't be read");
      }
      manifest.files.push_back(std::move(file));
    } else {
      return bad_manifest("it has an unknown line");
    }
  }
  return manifest;
}

uint64_t BackupManifest::total_bytes() const {
  uint64_t total = 0;
  for (const ManifestFile& file : files) total += file.digest.bytes;
  return total;
}

}  // namespace eventd::engine
