// A server's event socket over rings of its own, and a client of it through the shared library.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "kmes/event_socket.h"
#include "kmes/libkmes/kmes.h"
#include "kmes/ring_reader.h"

namespace eventd::kmes {

class LibKmes : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/kmes-test-XXXXXX";
    directory_ = mkdtemp(pattern);
    options_.path = directory_ + "/event.sock";
    options_.boot_id.bytes[0] = 5;
    make_rings(KMES_CAPACITY_MIN);
  }
  void TearDown() override {
    kmes_close(client_);
    stop_draining();
    socket_.reset();
    rmdir(directory_.c_str());
  }
  void make_rings(uint64_t capacity) {
    auto rings = UserRings::create(1, capacity);
    ASSERT_TRUE(rings.ok());
    rings_ = std::move(rings).value();
  }
  void start() {
    auto started = EventSocket::start(*rings_, options_);
    ASSERT_TRUE(started.ok()) << started.error().message;
    socket_ = std::move(started).value();
  }
  void open(unsigned flags = 0) {
    client_ = kmes_open(options_.path.c_str(), flags);
    ASSERT_NE(client_, nullptr) << std::strerror(errno);
  }
  static int emit(struct kmes* client, const std::string& type, const std::string& payload) {
    errno = 0;
    return kmes_emit(client, type.data(), type.size(), payload.data(), payload.size()) == 0 ? 0
                                                                                            : errno;
  }
  int emit(const std::string& type, const std::string& payload) {
    return emit(client_, type, payload);
  }
  /// A payload of `size` bytes, from 3.
  static std::string binary(size_t size) {
    const size_t bytes = size - 3;
    return std::string("\xc5") + static_cast<char>(bytes >> 8) + static_cast<char>(bytes) +
           std::string(bytes, 'x');
  }
  /// Waits (bounded) for what another thread brings about.
  static bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 20'000; ++i) {
      if (condition()) return true;
      usleep(1000);
    }
    return false;
  }
  /// Reads whatever comes on a thread of its own, until stop_draining(). `see` may be empty.
  void drain(std::function<void(const EventView&)> see = {}) {
    drained_ = 0;
    draining_ = true;
    drain_ = std::thread([this, see = std::move(see)] {
      RingReader reader(*rings_->ring(0));
      std::vector<uint8_t> buffer(rings_->capacity() / 2);
      while (draining_) {
        while (reader.next(buffer) == RingReader::Next::kEvent) {
          if (see) see(EventView(buffer.data()));
          rings_->note_drained(0, reader.stream_pos());
          ++drained_;
        }
        reader.wait(10'000'000);
      }
    });
  }
  void stop_draining() {
    draining_ = false;
    if (drain_.joinable()) drain_.join();
  }

  std::string directory_;
  EventSocketOptions options_;
  std::unique_ptr<UserRings> rings_;
  std::unique_ptr<EventSocket> socket_;
  struct kmes* client_ = nullptr;
  std::atomic<uint64_t> drained_{0};  ///< events seen by drain()

 private:
  std::atomic<bool> draining_{false};
  std::thread drain_;
};

}  // namespace eventd::kmes
