#include "kmes/process_rates.h"

#include <cstring>

namespace eventd::kmes {

size_t ProcessRates::Hash::operator()(const std::array<uint8_t, 16>& guid) const {
  size_t hash = 0;  // process GUIDs are hashes themselves, keyed with the boot
  std::memcpy(&hash, guid.data(), sizeof(hash));
  return hash;
}

ProcessRates::Process* ProcessRates::join(const Guid& process_guid, uint64_t now_ns) {
  auto found = processes_.find(process_guid.bytes);
  if (found == processes_.end()) {
    if (processes_.size() >= kProcessesMax) forget_idle(now_ns);
    if (processes_.size() >= kProcessesMax) return nullptr;
    found = processes_.try_emplace(process_guid.bytes).first;
    kmes_token_bucket_init(&found->second.bucket, rate_, now_ns);
  }
  ++found->second.connections;
  return &found->second;
}

void ProcessRates::set_rate(uint32_t rate, uint64_t now_ns) {
  rate_ = rate;
  for (auto& [guid, process] : processes_) kmes_token_bucket_set_rate(&process.bucket, rate, now_ns);
}

void ProcessRates::forget_idle(uint64_t now_ns) {
  std::erase_if(processes_, [&](const auto& item) {
    kmes_token_bucket bucket = item.second.bucket;
    return item.second.connections == 0 && kmes_token_bucket_available(&bucket, now_ns) >= rate_;
  });
}

}  // namespace eventd::kmes
