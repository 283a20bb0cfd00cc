// libkmes over /dev/kmes, without the module: this program's own open(), stat() and ioctl() stand
// before the C library's for the shared library too, and play the device on /dev/null. What it cannot
// show is the module itself.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <cstdarg>

#include "kernel/uapi/kmes_ioctl.h"
#include "tests/unit/kmes/libkmes/libkmes_fixture.h"

namespace {

struct FakeDevice {
  bool present = false;    // at /dev/kmes
  int open_error = 0;
  int info_error = 0;
  uint32_t version = KMES_VERSION;
  int fd = -1;             // of the last open
  // The next emission: refuse before the entries, or at one of them.
  int early_error = 0;
  int entry_error = 0;
  uint32_t error_at = 0;
  std::vector<kmes_emit_entry> seen;
  std::vector<std::string> types;  // of them
  unsigned calls = 0;
} device;

int answer(int error) {
  if (error == 0) return 0;
  errno = error;
  return -1;
}

int answer_emit(const kmes_emit_entry* entries, uint32_t count, uint32_t* emitted) {
  ++device.calls;
  if (count == 0 || count > 256) return answer(EINVAL);
  if (device.early_error != 0) return answer(device.early_error);
  if (emitted != nullptr) *emitted = 0;
  if (entries == nullptr) return answer(EFAULT);
  for (uint32_t i = 0; i < count; ++i) {
    if (entries[i].type_len == 0) return answer(EINVAL);
    if (device.entry_error != 0 && i == device.error_at) return answer(device.entry_error);
    device.seen.push_back(entries[i]);
    device.types.emplace_back(reinterpret_cast<const char*>(entries[i].type), entries[i].type_len);
    if (emitted != nullptr) ++*emitted;
  }
  return 0;
}

}  // namespace

extern "C" int ioctl(int fd, unsigned long request, ...) noexcept {
  va_list list;
  va_start(list, request);
  void* argument = va_arg(list, void*);
  va_end(list);
  if (device.fd < 0 || fd != device.fd) {
    return static_cast<int>(syscall(SYS_ioctl, fd, request, argument));
  }
  if (request == KMES_INFO) {
    if (device.info_error != 0) return answer(device.info_error);
    static_cast<kmes_info*>(argument)->version = device.version;
    return 0;
  }
  if (request == KMES_EMIT) return answer_emit(static_cast<kmes_emit_entry*>(argument), 1, nullptr);
  if (request == KMES_EMIT_BATCH) {
    auto* args = static_cast<kmes_emit_batch_args*>(argument);
    return answer_emit(reinterpret_cast<const kmes_emit_entry*>(args->entries), args->count,
                       &args->emitted);
  }
  return answer(ENOTTY);
}

extern "C" int open(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const unsigned mode = va_arg(list, unsigned);
  va_end(list);
  const bool is_device = std::strcmp(path, KMES_DEVICE_PATH) == 0 && device.present;
  if (is_device && device.open_error != 0) return answer(device.open_error);
  const int fd = static_cast<int>(
      syscall(SYS_openat, AT_FDCWD, is_device ? "/dev/null" : path, flags, mode));
  if (is_device) device.fd = fd;
  return fd;
}

extern "C" int stat(const char* path, struct stat* info) noexcept {
  const bool is_device = std::strcmp(path, KMES_DEVICE_PATH) == 0 && device.present;
  return static_cast<int>(
      syscall(SYS_newfstatat, AT_FDCWD, is_device ? "/dev/null" : path, info, 0));
}

namespace eventd::kmes {
namespace {

class Device : public LibKmes {
 protected:
  void SetUp() override {
    LibKmes::SetUp();
    device = FakeDevice{};
    device.present = true;
  }
  void TearDown() override {
    LibKmes::TearDown();
    device = FakeDevice{};
  }
  void open_device(const char* path = nullptr) {
    client_ = kmes_open(path, 0);
    ASSERT_NE(client_, nullptr) << std::strerror(errno);
  }
};

TEST_F(Device, IsUsedWherePresent) {
  open_device();
  ASSERT_EQ(emit("dev", "\x01"), 0);
  ASSERT_EQ(device.seen.size(), 1U);
  const kmes_emit_entry& entry = device.seen[0];
  EXPECT_EQ(entry.type_len, 3);
  EXPECT_EQ(device.types[0], "dev");
  EXPECT_EQ(entry.payload_len, 1U);
  EXPECT_EQ(entry.pad0 | entry.pad1 | entry.pad2, 0U);
  EXPECT_EQ(sizeof(kmes_emit_entry), 32U);
  kmes_close(client_);
  open_device(KMES_DEVICE_PATH);
}

TEST_F(Device, AnExplicitPathBeatsIt) {
  start();
  open();
  ASSERT_EQ(emit("a", "\x01"), 0);
  EXPECT_EQ(device.calls, 0U);
  EXPECT_TRUE(eventually([&] { return rings_->emitted_count() == 1; }));
}

TEST_F(Device, WhatOpenSays) {
  const auto open_error = [](int error) {
    device.open_error = error;
    errno = 0;
    EXPECT_EQ(kmes_open(nullptr, 0), nullptr);
    return errno;
  };
  EXPECT_EQ(open_error(EACCES), EPERM);
  EXPECT_EQ(open_error(EPERM), EPERM);
  EXPECT_EQ(open_error(EMFILE), EMFILE);
  // A node without its module: the default socket, which is not there in a test.
  if (access("/run/eventd/event.sock", F_OK) != 0) {
    EXPECT_EQ(open_error(ENXIO), ENOENT);
    EXPECT_EQ(open_error(ENODEV), ENOENT);
  }
  device.open_error = 0;
  device.version = KMES_VERSION + 1;
  EXPECT_EQ(kmes_open(nullptr, 0), nullptr);
  EXPECT_EQ(errno, EPROTO) << "another version";
  device.version = KMES_VERSION;
  device.info_error = ENOTTY;
  EXPECT_EQ(kmes_open(nullptr, 0), nullptr);
  EXPECT_EQ(errno, EPROTO) << "another driver";
  device.info_error = EPERM;
  EXPECT_EQ(kmes_open(nullptr, 0), nullptr);
  EXPECT_EQ(errno, EPERM);
}

TEST_F(Device, ErrorsAreTheModules) {
  open_device();
  for (const int error : {EPERM, EAGAIN}) {
    device.early_error = error;
    EXPECT_EQ(emit("a", "\x01"), error);
  }
  device.early_error = 0;
  for (const int error : {EINVAL, ENOSPC, EFAULT, ENOMEM}) {
    device.entry_error = error;
    EXPECT_EQ(emit("a", "\x01"), error);
  }
}

TEST_F(Device, Batches) {
  open_device();
  const std::vector<kmes_entry> entries(256, {"a", 1, "\x01", 1});
  unsigned emitted = 9;
  EXPECT_EQ(kmes_emit_batch(client_, entries.data(), 256, &emitted), 0);
  EXPECT_EQ(emitted, 256U);
  EXPECT_EQ(device.calls, 1U);
  device.entry_error = ENOSPC;
  device.error_at = 7;
  EXPECT_EQ(kmes_emit_batch(client_, entries.data(), 256, &emitted), -1);
  EXPECT_EQ(errno, ENOSPC);
  EXPECT_EQ(emitted, 7U);
  emitted = 9;
  device.early_error = EAGAIN;
  EXPECT_EQ(kmes_emit_batch(client_, entries.data(), 256, &emitted), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(emitted, 9U) << "as with the socket";
  device.early_error = 0;
  device.entry_error = 0;
  for (const unsigned count : {0U, 257U, 0xffffffffU}) {
    EXPECT_EQ(kmes_emit_batch(client_, entries.data(), count, &emitted), -1);
    EXPECT_EQ(errno, EINVAL) << count;
    EXPECT_EQ(emitted, 9U);
  }
  EXPECT_EQ(kmes_emit_batch(client_, nullptr, 1, &emitted), -1);
  EXPECT_EQ(errno, EFAULT);
  EXPECT_EQ(kmes_emit_batch(client_, nullptr, 1, nullptr), -1);
  EXPECT_EQ(errno, EFAULT);
}

TEST_F(Device, LengthsBeyondTheFieldsAreRefusedInTheirPlace) {
  open_device();
  const std::vector<kmes_entry> entries = {{"a", 1, "\x01", 1}, {"a", 65537, "\x01", 1}};
  unsigned emitted = 9;
  EXPECT_EQ(kmes_emit_batch(client_, entries.data(), 2, &emitted), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(emitted, 1U) << "not cut to a type of one byte";
  EXPECT_EQ(kmes_emit(client_, "a", 1, "\x01", (size_t{1} << 32) + 1), -1);
  EXPECT_EQ(errno, EINVAL);
  device.early_error = EAGAIN;
  EXPECT_EQ(kmes_emit(client_, "a", 65537, "\x01", 1), -1);
  EXPECT_EQ(errno, EAGAIN) << "the rate comes first";
}

}  // namespace
}  // namespace eventd::kmes
