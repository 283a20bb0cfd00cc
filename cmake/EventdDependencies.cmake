# The Debian packages we build on, as targets. scripts/install-packages installs them.
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(spdlog REQUIRED)
find_package(GTest REQUIRED)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(LIBPQ REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(LZ4 REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)

include(EventdSqlite)

find_library(EVENTD_CCTZ_LIBRARY cctz REQUIRED)
find_library(EVENTD_PG_QUERY_LIBRARY pg_query REQUIRED)
find_library(EVENTD_MSGPACK_LIBRARY NAMES msgpackc msgpack-c REQUIRED)
find_path(EVENTD_PG_SERVER_INCLUDE postgres.h REQUIRED
    PATHS /usr/include/postgresql/15/server NO_DEFAULT_PATH)

add_library(eventd_cctz INTERFACE)
target_link_libraries(eventd_cctz INTERFACE ${EVENTD_CCTZ_LIBRARY})
add_library(eventd_pg_query INTERFACE)
target_link_libraries(eventd_pg_query INTERFACE ${EVENTD_PG_QUERY_LIBRARY})
target_include_directories(eventd_pg_query SYSTEM INTERFACE ${EVENTD_PG_SERVER_INCLUDE})
