// The measurements, one function a group. Each adds its lines to the report; what fails is a line
// with the reason, not the end of the run.
#pragma once

#include <cstdint>
#include <string>

#include "bench/report.h"

namespace eventd::bench {

struct BenchOptions {
  uint64_t rows = 1'000'000;
  int runs = 3;
  int seconds = 3;  ///< of one pgbench run
  std::string work_directory = "/tmp";
  std::string eventd;         ///< the server's program
  std::string postgres_bin;   ///< folder of initdb, postgres, pgbench
};

/// Events from the rings to a durable commit, beside a bare SQLite loop.
void bench_ring(const BenchOptions& options, Report& report);
/// Its two halves without SQLite, part of the same group: emission, and draining to memory.
void bench_ring_memory(const BenchOptions& options, Report& report);
/// How old events are when they are durable, at 50,000 a second.
void bench_latency(const BenchOptions& options, Report& report);
/// UTF-8 and msgpack validation, beside its scalar twin.
void bench_validate(const BenchOptions& options, Report& report);
/// Sealed segments in memory: each encoding beside a copy, whole segments.
void bench_segments(const BenchOptions& options, Report& report);
/// COPY over 1 and 2 connections, beside PostgreSQL.
void bench_copy(const BenchOptions& options, Report& report);
/// Single durable INSERTs from 1, 8 and 32 clients, beside PostgreSQL.
void bench_insert(const BenchOptions& options, Report& report);
/// The queries a to g over the same rows, beside PostgreSQL.
void bench_queries(const BenchOptions& options, Report& report);
/// Joins, windows, DISTINCT, sorts and what dashboards send, beside PostgreSQL.
void bench_shapes(const BenchOptions& options, Report& report);
/// SELECT 1 and point lookups from 1, 8 and 32 clients, beside PostgreSQL and the stub.
void bench_wire(const BenchOptions& options, Report& report);

}  // namespace eventd::bench
