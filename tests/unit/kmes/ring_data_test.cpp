// Where a ring's memory comes from: huge pages, NUMA nodes.
#include "kmes/ring_data.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "kmes/cpu_topology.h"
#include "kmes/ring_mapping.h"
#include "kmes/ring_reader.h"
#include "kmes/ring_writer.h"

namespace eventd::kmes {
namespace {

constexpr uint64_t kHugeBytes = 2 << 20;

uint64_t free_huge_pages() {
  std::ifstream meminfo("/proc/meminfo");
  for (std::string line; std::getline(meminfo, line);) {
    if (line.starts_with("HugePages_Free:")) return std::stoull(line.substr(15));
  }
  return 0;
}

/// Several times round, so that both halves are used.
void expect_works(RingMapping& mapping) {
  kmes_ring_writer writer{};
  kmes_ring_writer_init(&writer, &mapping.producer(), mapping.data());
  auto view = mapping.attach();
  ASSERT_TRUE(view.ok()) << view.error().message;
  RingReader reader(**view);
  std::vector<uint8_t> buffer(mapping.capacity() / 2);
  const std::string payload(mapping.capacity() / 5, 'x');
  for (uint64_t sequence = 1; sequence <= 20; ++sequence) {
    ASSERT_TRUE(kmes_ring_write(&writer, "t", 1, payload.data(), payload.size()));
    kmes_ring_publish(&writer);
    ASSERT_EQ(reader.next(buffer), RingReader::Next::kEvent);
    ASSERT_EQ(EventView(buffer.data()).sequence(), sequence);
    ASSERT_EQ(as_text(EventView(buffer.data()).payload()), payload);
  }
}

TEST(HugePages, AreOptionalWhenTried) {
  for (const uint64_t capacity : {uint64_t{KMES_CAPACITY_MIN}, 2 * kHugeBytes}) {
    for (const HugePages pages : {HugePages::kOff, HugePages::kTry}) {
      auto mapping = RingMapping::create(0, capacity, pages);
      ASSERT_TRUE(mapping.ok()) << mapping.error().message;
      const size_t alignment = (*mapping)->memory()->data().alignment_bytes;
      EXPECT_EQ(reinterpret_cast<uintptr_t>((*mapping)->data()) % alignment, 0U);
      if (pages == HugePages::kTry && capacity >= kHugeBytes) { EXPECT_GE(alignment, kHugeBytes); }
      expect_works(**mapping);
    }
  }
}

TEST(HugePages, MustBeThereWhenOn) {
  auto small = create_ring_data(KMES_CAPACITY_MIN, HugePages::kOn);
  EXPECT_FALSE(small.ok()) << "no multiple of a huge page";
  const bool enough = free_huge_pages() >= 2;
  auto mapping = RingMapping::create(0, 2 * kHugeBytes, HugePages::kOn);
  if (enough) {
    ASSERT_TRUE(mapping.ok()) << mapping.error().message;
    expect_works(**mapping);
  } else {
    ASSERT_FALSE(mapping.ok());
    EXPECT_EQ(mapping.error().code, sqlstate::kOutOfMemory);
    EXPECT_NE(mapping.error().hint.find("huge_pages = try"), std::string::npos);
  }
}

TEST(RingData, IsAllocatedAtOnce) {
  auto mapping = RingMapping::create(0, 1 << 20);
  ASSERT_TRUE(mapping.ok());
  unsigned char resident[(1 << 20) / 4096] = {};
  ASSERT_EQ(mincore((*mapping)->data(), 1 << 20, resident), 0);
  for (const unsigned char page : resident) ASSERT_EQ(page & 1, 1);
}

using Ids = std::vector<uint32_t>;

TEST(CpuTopology, ReadsListsAsSysfsWritesThem) {
  EXPECT_EQ(parse_id_list("0-3,8\n"), (Ids{0, 1, 2, 3, 8}));
  EXPECT_EQ(parse_id_list("5"), (Ids{5}));
  EXPECT_EQ(parse_id_list(""), Ids{});
  EXPECT_EQ(parse_id_list("\n"), Ids{});
  EXPECT_EQ(parse_id_list("0-65535").size(), 65'536U);
  for (const char* bad : {"x", "1-", "-1", "3-1", "1,", ",1", "1,1", "2,1", "1;2", "0-65536",
                          "4294967296", "1-2-3", "1 2"}) {
    EXPECT_EQ(parse_id_list(bad), Ids{}) << bad;
  }
}

TEST(CpuTopology, FindsTheNodeOfACpu) {
  std::string directory = (std::filesystem::temp_directory_path() / "kmes_test.XXXXXX").string();
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  const auto write = [&](const std::string& name, const char* text) {
    std::filesystem::create_directories(std::filesystem::path(directory + "/" + name).parent_path());
    std::ofstream(directory + "/" + name) << text;
  };
  write("online", "0,2\n");  // nodes need not be numbered without holes
  write("node0/cpulist", "0-1,4-5\n");
  write("node2/cpulist", "2-3\n");
  EXPECT_EQ(node_ids(directory), (Ids{0, 2}));
  EXPECT_EQ(cpus_of_node(0, directory), (Ids{0, 1, 4, 5}));
  EXPECT_EQ(node_of_cpu(4, directory), 0U);
  EXPECT_EQ(node_of_cpu(3, directory), 2U);
  EXPECT_EQ(node_of_cpu(6, directory), std::nullopt);
  EXPECT_EQ(node_of_cpu(0, directory + "/none"), std::nullopt);
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace eventd::kmes
