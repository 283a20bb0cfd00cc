// Where local tools find this server.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <string>

#include "log.h"

namespace eventd {

/// <data_directory>/server.address, one line `HOST PORT RUN_DIRECTORY`; gone when this is destroyed.
class AddressFile {
 public:
  AddressFile(const std::string& data_directory, const std::string& host, uint16_t port,
              const std::string& run_directory)
      : path_(data_directory + "/server.address") {
    std::ofstream out(path_, std::ios::trunc);
    out << host << ' ' << port << ' ' << run_directory << '\n';
    if (!out.flush()) log::warning("cannot write " + path_);
  }
  ~AddressFile() { ::unlink(path_.c_str()); }
  AddressFile(const AddressFile&) = delete;
  AddressFile& operator=(const AddressFile&) = delete;

 private:
  const std::string path_;
};

}  // namespace eventd
