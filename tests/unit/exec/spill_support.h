// A place to spill to, and accounts small enough to need it.
#pragma once

#include <filesystem>
#include <string>

#include "engine/exec/temp_space.h"
#include "exec_fakes.h"

namespace eventd::engine::testing {

/// A temporary directory, removed at the end.
class SpillDirectory {
 public:
  SpillDirectory() {
    std::string path = (std::filesystem::temp_directory_path() / "eventd-spill-XXXXXX").string();
    path_ = ::mkdtemp(path.data());
  }
  ~SpillDirectory() { std::filesystem::remove_all(path_); }
  /// Not made yet: TempSpace does.
  std::string path() const { return path_ + "/tmp"; }
  size_t file_count() const {
    if (!std::filesystem::exists(path())) return 0;
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(path()), {}));
  }

 private:
  std::string path_;
};

/// What an execution with `limit` bytes needs.
struct SmallMemory {
  explicit SmallMemory(size_t limit, TempFileCalls calls = {})
      : pool(size_t{1} << 40), account(pool, limit), temp(directory.path(), calls) {
    context.memory = &account;
    context.temp = &temp;
    context.cancel = &cancel;
  }
  SpillDirectory directory;
  MemoryPool pool;
  MemoryAccount account;
  TempSpace temp;
  CancelToken cancel;
  ExecutionContext context;
};

}  // namespace eventd::engine::testing
