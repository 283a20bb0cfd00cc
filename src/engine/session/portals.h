// The kinds of portal, one file each. All borrow the session and live on its thread (or on the pool
// while advance() runs there).
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "engine/session/session_impl.h"

namespace eventd::engine {

using Parameters = std::vector<Datum>;

/// A SELECT or EQL query; with `copy`, COPY … TO STDOUT of one.
Result<std::unique_ptr<Portal>> make_query_portal(SessionImpl& session,
                                                  std::shared_ptr<const Prepared> prepared,
                                                  const Parameters& parameters,
                                                  const CopyStatement* copy);
Result<std::unique_ptr<Portal>> make_insert_portal(SessionImpl& session,
                                                   std::shared_ptr<const Prepared> prepared,
                                                   const Parameters& parameters);
Result<std::unique_ptr<Portal>> make_copy_in_portal(SessionImpl& session,
                                                    std::shared_ptr<const Prepared> prepared,
                                                    const CopyStatement& copy);
Result<std::unique_ptr<Portal>> make_explain_portal(SessionImpl& session,
                                                    std::shared_ptr<const Prepared> prepared,
                                                    const ExplainStatement& statement,
                                                    const Parameters& parameters);
/// SET, SHOW, BEGIN, PREPARE … : done in one call (COMMIT may wait).
Result<std::unique_ptr<Portal>> make_command_portal(SessionImpl& session,
                                                    std::shared_ptr<const Prepared> prepared);

/// Is it SELECT eventd_backup(…), and nothing else?
bool is_backup_call(const Prepared& prepared);
/// REQUIRES: is_backup_call(). 42501 unless a superuser calls it.
Result<std::unique_ptr<Portal>> make_backup_portal(SessionImpl& session,
                                                   std::shared_ptr<const Prepared> prepared,
                                                   const Parameters& parameters);

/// Rows that are already there (SHOW, EXPLAIN).
Batch text_rows(const std::vector<std::vector<std::string>>& rows, size_t columns);

}  // namespace eventd::engine
