#include <openssl/rand.h>

#include <cstdlib>

#include "engine/session/session_impl.h"

namespace eventd::engine {

std::pair<int32_t, int32_t> SessionDirectory::add(SessionImpl& session) {
  int32_t secret = 0;
  // A guessable cancel key would let anybody end anybody's query.
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&secret), sizeof secret) != 1) std::abort();
  const std::lock_guard lock(mutex_);
  while (sessions_.count(next_pid_) != 0) next_pid_ = next_pid_ == INT32_MAX ? 1 : next_pid_ + 1;
  const int32_t pid = next_pid_;
  next_pid_ = next_pid_ == INT32_MAX ? 1 : next_pid_ + 1;
  sessions_.emplace(pid, Entry{&session, secret});
  return {pid, secret};
}

void SessionDirectory::remove(int32_t pid) {
  const std::lock_guard lock(mutex_);
  sessions_.erase(pid);
}

void SessionDirectory::cancel(int32_t pid, int32_t secret) {
  const std::lock_guard lock(mutex_);
  const auto at = sessions_.find(pid);
  if (at != sessions_.end() && at->second.secret == secret) at->second.session->cancel_running();
}

size_t SessionDirectory::size() const {
  const std::lock_guard lock(mutex_);
  return sessions_.size();
}

std::vector<SessionActivity> SessionDirectory::activities() const {
  std::vector<SessionActivity> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [pid, entry] : sessions_) {
    all.push_back(entry.session->activity());
    all.back().pid = pid;
  }
  return all;
}

}  // namespace eventd::engine
