// Who is at the other end of a Unix socket, as the kernel says.
#pragma once

#include <sys/types.h>

#include "guid.h"
#include "kmes/user_rings.h"
#include "result.h"

namespace eventd::kmes {

/// The process that connected; nothing in it comes from what it sent.
struct PeerIdentity {
  pid_t pid = 0;
  uid_t uid = 0;  ///< effective, at connect
  EventStamp stamp;
};

/// Reads SO_PEERCRED, then start time and real uid from /proc. A process whose /proc entry cannot be
/// read (gone already, or of another pid namespace) has an unknown (zero) process GUID. 58030 when
/// the socket has no credentials.
Result<PeerIdentity> read_peer_identity(int socket_fd, const Guid& boot_id);

/// Start time in clock ticks since boot (field 22 of /proc/PID/stat); 0 = no such process.
uint64_t read_process_start_time(pid_t pid);

}  // namespace eventd::kmes
