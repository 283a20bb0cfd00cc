#include "kmes/cpu_topology.h"

#include <algorithm>
#include <charconv>
#include <fstream>

namespace eventd::kmes {
namespace {

constexpr uint32_t kIdMax = 65'535;

std::vector<uint32_t> read_id_list(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line)) return {};
  return parse_id_list(line);
}

}  // namespace

std::vector<uint32_t> parse_id_list(std::string_view list) {
  while (list.ends_with('\n')) list.remove_suffix(1);
  std::vector<uint32_t> ids;
  const char* at = list.data();
  const char* const end = at + list.size();
  while (at != end) {
    uint32_t first = 0;
    auto parsed = std::from_chars(at, end, first);
    uint32_t last = first;
    if (parsed.ec == std::errc() && parsed.ptr != end && *parsed.ptr == '-')
      parsed = std::from_chars(parsed.ptr + 1, end, last);
    // Ascending, as sysfs has it, so the ids are at most kIdMax + 1.
    if (parsed.ec != std::errc() || last < first || last > kIdMax ||
        (!ids.empty() && first <= ids.back())) {
      return {};
    }
    for (uint32_t id = first; id <= last; ++id) ids.push_back(id);
    at = parsed.ptr;
    if (at == end) break;
    if (*at != ',' || ++at == end) return {};
  }
  return ids;
}

std::vector<uint32_t> node_ids(const std::string& directory) {
  return read_id_list(directory + "/online");
}

std::vector<uint32_t> cpus_of_node(uint32_t node, const std::string& directory) {
  return read_id_list(directory + "/node" + std::to_string(node) + "/cpulist");
}

std::optional<uint32_t> node_of_cpu(uint32_t cpu, const std::string& directory) {
  for (const uint32_t node : node_ids(directory)) {
    const std::vector<uint32_t> cpus = cpus_of_node(node, directory);
    if (std::binary_search(cpus.begin(), cpus.end(), cpu)) return node;
  }
  return std::nullopt;
}

}  // namespace eventd::kmes
