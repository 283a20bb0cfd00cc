#include "engine/ingest/boot.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "unique_fd.h"

namespace eventd::engine {

Result<Guid> read_boot_id() {
  static constexpr char kPath[] = "/proc/sys/kernel/random/boot_id";
  UniqueFd file(::open(kPath, O_RDONLY | O_CLOEXEC));
  char text[64];
  ssize_t size = -1;
  if (file.valid()) size = ::read(file.get(), text, sizeof text);
  if (size < 0) {
    return Status(sqlstate::kIoError,
                  std::string("could not read ") + kPath + ": " + std::strerror(errno));
  }
  std::string_view id(text, static_cast<size_t>(size));
  while (!id.empty() && id.back() == '\n') id.remove_suffix(1);
  const auto guid = Guid::parse(id);
  if (!guid) return Status(sqlstate::kIoError, std::string(kPath) + " holds no GUID");
  return *guid;
}

}  // namespace eventd::engine
