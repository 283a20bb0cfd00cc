#include "tools/evcollect/process_events.h"

#include <msgpack.h>

#include "kmes/validate.h"

namespace eventd::tools {
namespace {

/// A msgpack map under construction.
class Map {
 public:
  explicit Map(size_t size) {
    msgpack_sbuffer_init(&buffer_);
    msgpack_packer_init(&packer_, &buffer_, msgpack_sbuffer_write);
    msgpack_pack_map(&packer_, size);
  }
  Map(const Map&) = delete;
  Map& operator=(const Map&) = delete;
  ~Map() { msgpack_sbuffer_destroy(&buffer_); }

  void add(std::string_view key, int64_t value) {
    pack(key);
    msgpack_pack_int64(&packer_, value);
  }
  /// Names and arguments are any bytes on Linux; what is not UTF-8 becomes question marks.
  void add(std::string_view key, std::string_view value) {
    pack(key);
    if (kmes_utf8_valid(reinterpret_cast<const uint8_t*>(value.data()), value.size())) {
      pack(value);
      return;
    }
    std::string ascii(value);
    for (char& c : ascii) {
      if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    }
    pack(ascii);
  }
  std::string bytes() const { return {buffer_.data, buffer_.size}; }

 private:
  void pack(std::string_view text) {
    msgpack_pack_str(&packer_, text.size());
    msgpack_pack_str_body(&packer_, text.data(), text.size());
  }

  msgpack_sbuffer buffer_{};
  msgpack_packer packer_{};
};

}  // namespace

Event make_process_event(std::string_view type, const Process& process) {
  Map map(6);
  map.add("pid", int64_t{process.pid});
  map.add("ppid", int64_t{process.ppid});
  map.add("uid", int64_t{process.uid});
  map.add("comm", process.comm);
  map.add("exe", process.exe);
  map.add("cmdline", process.cmdline);
  return {type, map.bytes()};
}

Event make_exit_event(const Process& process) {
  Map map(3);
  map.add("pid", int64_t{process.pid});
  map.add("comm", process.comm);
  map.add("duration_ms", milliseconds_since(process.start_ticks));
  return {kProcessExit, map.bytes()};
}

}  // namespace eventd::tools
