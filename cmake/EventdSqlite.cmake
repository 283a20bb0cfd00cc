# SQLite, as the target eventd_sqlite.
#   EVENTD_SQLITE=bundled  (default) a current amalgamation built in with fixed options; fetched by
#                          scripts/fetch-sqlite, which pins its version and checksums
#   EVENTD_SQLITE=system   Debian's shared library (3.40): no download; slower
# Nothing in src/ may need more than Debian's library has, except behind a check at run time.
set(EVENTD_SQLITE bundled CACHE STRING "SQLite: bundled or system")
set_property(CACHE EVENTD_SQLITE PROPERTY STRINGS bundled system)

add_library(eventd_sqlite INTERFACE)
if(EVENTD_SQLITE STREQUAL "system")
  pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
  target_link_libraries(eventd_sqlite INTERFACE PkgConfig::SQLITE)
elseif(EVENTD_SQLITE STREQUAL "bundled")
  execute_process(COMMAND "${CMAKE_SOURCE_DIR}/scripts/fetch-sqlite"
      OUTPUT_VARIABLE sqlite_source OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "SQLite's source could not be fetched (see above). "
        "-DEVENTD_SQLITE=system builds with Debian's library instead.")
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/scripts/fetch-sqlite")

  add_library(eventd_sqlite_bundled STATIC "${sqlite_source}/sqlite3.c")
  # Ours before Debian's, for whoever includes <sqlite3.h>.
  target_include_directories(eventd_sqlite_bundled SYSTEM PUBLIC "${sqlite_source}")
  target_compile_definitions(eventd_sqlite_bundled PRIVATE
      # A connection is used by one thread at a time: no mutex in each.
      SQLITE_THREADSAFE=2
      # Counting allocations takes a process-wide lock for each.
      SQLITE_DEFAULT_MEMSTATUS=0
      # "name" is never a string: a mistyped column is an error.
      SQLITE_DQS=0
      # Blobs are not text: LIKE need not convert them.
      SQLITE_LIKE_DOESNT_MATCH_BLOBS
      # A mapped page on a failing disk is a SIGBUS instead of SQLITE_IOERR.
      SQLITE_MAX_MMAP_SIZE=0
      # What we never use: branches in hot paths, and code from files (load_extension also wants libdl).
      SQLITE_OMIT_SHARED_CACHE SQLITE_OMIT_DEPRECATED SQLITE_OMIT_LOAD_EXTENSION
      # Small temporaries on the stack.
      SQLITE_USE_ALLOCA
      # dbstat, which Debian's has too: pages by table.
      SQLITE_ENABLE_DBSTAT_VTAB
      # Its configure script would find these. Without them: fsync (the inode as well) instead of
      # fdatasync, lseek + read instead of pread, waits of whole seconds for a lock.
      HAVE_FDATASYNC=1 HAVE_PREAD=1 HAVE_PWRITE=1 HAVE_USLEEP=1 HAVE_POSIX_FALLOCATE=1
      HAVE_STDINT_H=1 HAVE_INTTYPES_H=1 HAVE_ISNAN=1 HAVE_GMTIME_R=1 HAVE_LOCALTIME_R=1
      # malloc knows a block's size: no header of SQLite's own before each.
      HAVE_MALLOC_H=1 HAVE_MALLOC_USABLE_SIZE=1)
  # The same code in every build type, also where ours is not optimised or runs under a sanitizer
  # (whose malloc and mutexes it uses all the same).
  target_compile_options(eventd_sqlite_bundled PRIVATE -w -O2)
  if(EVENTD_SANITIZE)
    target_compile_options(eventd_sqlite_bundled PRIVATE -fno-sanitize=all)
  endif()
  target_link_libraries(eventd_sqlite_bundled PRIVATE Threads::Threads m)
  target_link_libraries(eventd_sqlite INTERFACE eventd_sqlite_bundled)
else()
  message(FATAL_ERROR "EVENTD_SQLITE is \"${EVENTD_SQLITE}\"; it must be bundled or system.")
endif()
