#include "engine/maintenance/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>

namespace eventd::engine {

Result<UniqueFd> lock_data_directory(const std::string& data_directory) {
  const std::string path = data_directory + "/lock";
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) {
    return Status(sqlstate::kSystemError, "cannot open " + path + ": " + std::strerror(errno));
  }
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return Status(sqlstate::kObjectNotInPrerequisiteState,
                    "another server is using " + data_directory);
    }
    return Status(sqlstate::kSystemError, "cannot lock " + path + ": " + std::strerror(errno));
  }
  return fd;
}

}  // namespace eventd::engine
