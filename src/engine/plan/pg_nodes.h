// PostgreSQL's raw parse tree. Included only by pg_raw_parse.cpp and pg_convert_*.cpp: postgres.h
// brings macros that nothing else should see. Nodes live in libpg_query's (thread-local) memory
// context and vanish with it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

extern "C" {
#include "postgres.h"
// Order matters: postgres.h first.
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
}
#undef Min
#undef Max
#undef printf
#undef snprintf
#undef vsnprintf
#undef sprintf
#undef fprintf
#undef strerror
