// kmes_flood SOCKET TYPE PRODUCER COUNT BATCH [RATE]: emits events {"p": PRODUCER, "id": 0…COUNT-1}
// through libkmes in batches, as fast as they are taken or RATE a second. Prints how many were emitted; a server that goes
// away ends it with status 3, anything else wrong with 1.
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "kmes/libkmes/kmes.h"

namespace {

constexpr int kUsage = 2;
constexpr int kServerGone = 3;
constexpr size_t kPayloadBytes = 22;  // 0x82, "p" u32, "id" u64

bool parse(const char* text, uint64_t& value) {
  const char* end = text + std::strlen(text);
  const auto parsed = std::from_chars(text, end, value);
  return parsed.ec == std::errc{} && parsed.ptr == end;
}

template <typename Integer>
void append_big_endian(std::string& out, Integer value) {
  for (int shift = static_cast<int>(sizeof value * 8) - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift & 0xff));
  }
}

std::string make_payload(uint32_t producer, uint64_t id) {
  std::string out;
  out.reserve(kPayloadBytes);
  out += "\x82\xa1p\xce";
  append_big_endian(out, producer);
  out += "\xa2id\xcf";
  append_big_endian(out, id);
  return out;
}

bool server_gone(int error) { return error == EPIPE || error == ECONNRESET || error == ENOTCONN; }

}  // namespace

int main(int argc, char** argv) {
  uint64_t producer = 0, count = 0, batch = 0, rate = 0;
  if (argc < 6 || argc > 7 || (argc == 7 && !parse(argv[6], rate)) || !parse(argv[3], producer) || !parse(argv[4], count) || !parse(argv[5], batch) ||
      producer > UINT32_MAX || batch == 0 || batch > KMES_EMIT_BATCH_MAX) {
    std::fprintf(stderr, "usage: kmes_flood SOCKET TYPE PRODUCER COUNT BATCH [RATE]\n");
    return kUsage;
  }
  const std::string_view type = argv[2];
  kmes* const handle = kmes_open(argv[1], 0);
  if (handle == nullptr) {
    std::fprintf(stderr, "kmes_flood: %s: %s\n", argv[1], std::strerror(errno));
    return kServerGone;
  }
  std::vector<std::string> payloads(batch);
  std::vector<kmes_entry> entries(batch);
  uint64_t sent = 0;
  int status = 0;
  const auto started = std::chrono::steady_clock::now();
  while (sent < count && status == 0) {
    const auto now = static_cast<unsigned>(std::min<uint64_t>(batch, count - sent));
    for (unsigned i = 0; i < now; ++i) {
      payloads[i] = make_payload(static_cast<uint32_t>(producer), sent + i);
      entries[i] = {type.data(), type.size(), payloads[i].data(), payloads[i].size()};
    }
    unsigned emitted = 0;
    const int failed = kmes_emit_batch(handle, entries.data(), now, &emitted);
    const int error = failed == 0 ? 0 : errno;
    sent += emitted;
    if (rate != 0) {
      // What was missed is made up for.
      std::this_thread::sleep_until(
          started + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                        std::chrono::duration<double>(static_cast<double>(sent) /
                                                      static_cast<double>(rate))));
    }
    if (error == EAGAIN) {  // over the rate: later
      const timespec pause{0, 1'000'000};
      ::nanosleep(&pause, nullptr);
    } else if (error != 0) {
      std::fprintf(stderr, "kmes_flood: %s\n", std::strerror(error));
      status = server_gone(error) ? kServerGone : 1;
    }
  }
  kmes_close(handle);
  std::printf("%llu\n", static_cast<unsigned long long>(sent));
  return status;
}
