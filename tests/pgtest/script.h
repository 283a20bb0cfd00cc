// Runs one script. The language:
//
//   # comment
//   connect [NAME=VALUE …]     new connection: start-up packet, authentication, up to ReadyForQuery
//   open                       new connection, socket only
//   send                       one message a line, all written at once, up to `----`
//   until TYPE                 reads messages up to the first of TYPE; the lines up to `----` must be
//                              exactly those. ErrorResponse lines give the SQLSTATE and may add
//                              severity=… and position=…; a line ending in `*` is a prefix
//   byte C                     one raw byte is the answer
//   closed                     the server has closed the connection
//   cancel [wrong]             CancelRequest for the connection, after a moment
//
// Messages: Query "…" · Parse NAME "…" [OID …] · Bind PORTAL STATEMENT [result=0|1] [VALUE|NULL|x… …] ·
// Describe S|P NAME · Execute PORTAL [LIMIT] · Close S|P NAME · Sync · Flush · Terminate ·
// CopyData "…" · CopyDone · CopyFail "…" · FunctionCall · Startup MAJOR.MINOR [NAME=VALUE …] ·
// SSLRequest · GSSENCRequest · Raw HEX. "" is the empty name; \n \t \\ \" in quotes.
#pragma once

#include <string>

#include "wire_client.h"

namespace eventd::pgtest {

/// Runs the script at `path`; returns false and prints file, line and difference when it fails.
bool run_script(const std::string& path, const Target& target);

}  // namespace eventd::pgtest
