// Which CPUs belong to which NUMA node. Source: Documentation/ABI/stable/sysfs-devices-node.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace eventd::kmes {

inline constexpr const char* kNodesDirectory = "/sys/devices/system/node";

/// A list as sysfs writes it, "0-3,8\n", ascending; empty when there is none or it is malformed.
/// Ids above 65,535 don't exist.
std::vector<uint32_t> parse_id_list(std::string_view list);

/// The nodes that are online; empty on a kernel without NUMA.
std::vector<uint32_t> node_ids(const std::string& directory = kNodesDirectory);
std::vector<uint32_t> cpus_of_node(uint32_t node, const std::string& directory = kNodesDirectory);
/// Nothing when no online node has the CPU.
std::optional<uint32_t> node_of_cpu(uint32_t cpu, const std::string& directory = kNodesDirectory);

}  // namespace eventd::kmes
