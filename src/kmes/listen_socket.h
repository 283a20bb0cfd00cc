// A listening Unix SOCK_SEQPACKET socket in the file system.
#pragma once

#include <cstdint>
#include <string>

#include "result.h"
#include "unique_fd.h"

namespace eventd::kmes {

/// Binds `path` with exactly `mode`, replacing a stale socket (one nobody answers on), and listens,
/// non-blocking. 22023 bad path or a file that is no socket, 55000 somebody serves it, 42501 no
/// right, 58030 else.
Result<UniqueFd> listen_seqpacket(const std::string& path, uint32_t mode);

}  // namespace eventd::kmes
