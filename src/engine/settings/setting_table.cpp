// The table of spec config.md. Adding a setting is adding a row.
#include <algorithm>
#include <unordered_map>
#include <array>

#include "engine/settings/settings.h"

namespace eventd::engine {
namespace {

using T = SettingType;
using U = SettingUnit;
using C = SettingContext;

constexpr double kKb = 1024, kMb = 1024 * kKb, kGb = 1024 * kMb;
constexpr double kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;
constexpr double kLarge = 4e18;

constexpr std::string_view kRingSources[] = {"auto", "kernel", "user"};
constexpr std::string_view kAffinities[] = {"node", "cpu", "off"};
constexpr std::string_view kOnOffTry[] = {"try", "on", "off"};
constexpr std::string_view kLogLevels[] = {"debug", "info", "warning", "error"};
constexpr std::string_view kLogFormats[] = {"text", "json"};
constexpr std::string_view kAudits[] = {"ddl", "off", "all"};
constexpr std::string_view kCommits[] = {"on", "off"};
constexpr std::string_view kTlsVersions[] = {"TLSv1.2", "TLSv1.3"};
constexpr std::string_view kIntervalStyles[] = {"postgres", "postgres_verbose", "sql_standard",
                                                "iso_8601"};
constexpr std::string_view kByteaOutputs[] = {"hex", "escape"};
constexpr std::string_view kIsolations[] = {"read committed", "read uncommitted", "repeatable read",
                                            "serializable"};
constexpr std::string_view kMessageLevels[] = {"notice", "debug5", "debug4", "debug3", "debug2",
                                               "debug1", "log",    "warning", "error"};

constexpr SettingInfo string_setting(std::string_view name, C context, std::string_view value,
                                     std::string_view category, std::string_view description,
                                     bool report = false, bool effective = true) {
  return {name, T::kString, U::kNone, context, value, 0, 0, {}, category, description, report,
          effective};
}
constexpr SettingInfo number(std::string_view name, U unit, C context, std::string_view value,
                             double low, double high, std::string_view category,
                             std::string_view description, bool effective = true) {
  return {name,     T::kInteger, unit,        context, value, low, high, {},
          category, description, false, effective};
}
constexpr SettingInfo boolean(std::string_view name, C context, std::string_view value,
                              std::string_view category, std::string_view description,
                              bool report = false, bool effective = true) {
  return {name, T::kBool, U::kNone, context, value, 0, 1, {}, category, description, report,
          effective};
}
constexpr SettingInfo choice(std::string_view name, C context, std::string_view value,
                             std::span<const std::string_view> values, std::string_view category,
                             std::string_view description, bool report = false,
                             bool effective = true) {
  return {name,     T::kEnum,    U::kNone, context,  value, 0, 0, values,
          category, description, report,   effective};
}

constexpr std::string_view kFiles = "File Locations";
constexpr std::string_view kConnections = "Connections and Authentication";
constexpr std::string_view kIngest = "Ingestion";
constexpr std::string_view kStorage = "Storage";
constexpr std::string_view kResources = "Resource Usage";
constexpr std::string_view kIndexing = "Adaptive Indexing";
constexpr std::string_view kLogging = "Reporting and Logging";
constexpr std::string_view kClient = "Client Connection Defaults";
constexpr std::string_view kPreset = "Preset Options";

// Effective later (adaptive indexes, rollups, logs, metrics, segments, kernel rings): checked now.
constexpr bool kLater = false;

constexpr auto kTable = std::to_array<SettingInfo>({
    string_setting("data_directory", C::kPostmaster, "./data", kFiles, "Directory of all databases."),
    string_setting("run_directory", C::kPostmaster, "", kFiles,
                   "Directory of the sockets; empty = data_directory."),
    string_setting("listen_addresses", C::kPostmaster, "localhost", kConnections,
                   "Host names or addresses to listen on, comma-separated."),
    number("port", U::kNone, C::kPostmaster, "5432", 0, 65535, kConnections,
           "TCP port; 0 takes a free one."),
    string_setting("log_socket", C::kPostmaster, "", kFiles, "Datagram socket for logs.", false, kLater),
    string_setting("metric_socket", C::kPostmaster, "", kFiles, "Datagram socket for metrics.", false,
                   kLater),
    string_setting("event_socket", C::kPostmaster, "", kFiles,
                   "Socket for libkmes; empty = run_directory/event.sock."),
    number("storage_shards", U::kNone, C::kPostmaster, "0", 0, 256, kStorage,
           "Event shards written; 0 = online CPUs."),
    choice("ring_source", C::kPostmaster, "auto", kRingSources, kIngest,
           "Rings of the kernel module or the server's own."),
    number("ring_capacity", U::kBytes, C::kSighup, "4MB", 64 * kKb, 256 * kMb, kIngest,
           "Bytes of each ring, a power of two."),
    number("max_event_size", U::kBytes, C::kSighup, "64kB", kKb, 4 * kMb, kIngest,
           "Largest event, header and payload."),
    number("max_nesting_depth", U::kNone, C::kSighup, "32", 4, 256, kIngest,
           "Deepest nesting of a payload."),
    number("max_emit_rate_per_process", U::kNone, C::kSighup, "10000", 100, 1e6, kIngest,
           "Events a second one process may emit."),
    number("max_batch_size", U::kNone, C::kSighup, "10000", 100, 100000, kIngest,
           "Most events in one commit."),
    number("max_batch_latency", U::kMilliseconds, C::kSighup, "100ms", 10, 5000, kIngest,
           "Longest an event waits for its commit."),
    number("log_max_batch_size", U::kNone, C::kSighup, "5000", 100, 100000, kIngest,
           "Most log records in one commit.", kLater),
    number("log_max_batch_latency", U::kMilliseconds, C::kSighup, "500ms", 10, 5000, kIngest,
           "Longest a log record waits for its commit.", kLater),
    number("metric_max_batch_size", U::kNone, C::kSighup, "5000", 100, 100000, kIngest,
           "Most samples in one commit.", kLater),
    number("metric_max_batch_latency", U::kMilliseconds, C::kSighup, "1s", 10, 5000, kIngest,
           "Longest a sample waits for its commit.", kLater),
    number("adaptive_index_window", U::kMilliseconds, C::kSighup, "24h", kHour, 168 * kHour, kIndexing,
           "Rolling window of query counts.", kLater),
    number("adaptive_index_policy_interval", U::kMilliseconds, C::kSighup, "60min", 60 * kMinute,
           1440 * kMinute, kIndexing, "How often the desired set is decided.", kLater),
    number("adaptive_index_create_threshold", U::kNone, C::kSighup, "100", 10, 10000, kIndexing,
           "Queries in the window that make a field desired.", kLater),
    number("adaptive_index_drop_threshold", U::kNone, C::kSighup, "10", 1, 1000, kIndexing,
           "Queries in the window below which a field leaves.", kLater),
    number("shedding_window", U::kMilliseconds, C::kSighup, "30s", 10 * kSecond, 300 * kSecond,
           kIndexing, "Window of the batch sizes looked at.", kLater),
    number("shedding_batch_percent", U::kNone, C::kSighup, "75", 50, 100, kIndexing,
           "Share of large batches that drops an index.", kLater),
    number("emergency_shedding_buffer_percent", U::kNone, C::kSighup, "75", 50, 95, kIndexing,
           "Ring fill that drops all secondary indexes.", kLater),
    number("adaptive_rollup_window", U::kMilliseconds, C::kSighup, "48h", kHour, 168 * kHour,
           kIndexing, "Rolling window of rollup counts.", kLater),
    number("adaptive_rollup_create_threshold", U::kNone, C::kSighup, "50", 10, 10000, kIndexing,
           "Queries that make a rollup desired.", kLater),
    number("adaptive_rollup_drop_threshold", U::kNone, C::kSighup, "5", 1, 1000, kIndexing,
           "Queries below which a rollup leaves.", kLater),
    number("metric_series_cache_size", U::kNone, C::kSighup, "50000", 1000, 1e6, kIngest,
           "Series kept in the cache.", kLater),
    number("event_retention", U::kMilliseconds, C::kSighup, "30d", kDay, 3650 * kDay, kStorage,
           "Age at which events are dropped."),
    number("log_retention", U::kMilliseconds, C::kSighup, "14d", kDay, 3650 * kDay, kStorage,
           "Age at which logs are dropped.", kLater),
    number("metric_retention", U::kMilliseconds, C::kSighup, "90d", kDay, 3650 * kDay, kStorage,
           "Age at which samples are dropped.", kLater),
    number("event_retention_max_bytes", U::kBytes, C::kSighup, "0", 0, kLarge, kStorage,
           "Size of events above which the oldest go; 0 = none."),
    number("log_retention_max_bytes", U::kBytes, C::kSighup, "0", 0, kLarge, kStorage,
           "Size of logs above which the oldest go; 0 = none.", kLater),
    number("metric_retention_max_bytes", U::kBytes, C::kSighup, "0", 0, kLarge, kStorage,
           "Size of metrics above which the oldest go; 0 = none.", kLater),
    number("retention_check_interval", U::kMilliseconds, C::kSighup, "60min", kMinute, 1440 * kMinute,
           kStorage, "How often retention runs."),
    number("statement_timeout", U::kMilliseconds, C::kUser, "30s", 0, 2147483647, kClient,
           "Longest a statement may run; 0 = no limit."),
    number("max_concurrent_queries", U::kNone, C::kSighup, "128", 1, 4096, kResources,
           "Queries running at once."),
    number("max_streaming_queries", U::kNone, C::kSighup, "64", 1, 1024, kResources,
           "Live tails at once.", kLater),
    number("scan_threads", U::kNone, C::kPostmaster, "0", 0, 256, kResources,
           "Threads for long queries; 0 = CPUs."),
    number("query_memory", U::kBytes, C::kSighup, "auto", 64 * kMb, kLarge, kResources,
           "Memory of all queries together."),
    number("query_buffer", U::kBytes, C::kUser, "auto", kMb, kLarge, kResources,
           "Most memory one query may hold."),
    number("temp_file_limit", U::kBytes, C::kSuperuser, "-1", -1, kLarge, kResources,
           "Most bytes of temporary files a session may have; -1 = no limit."),
    number("default_row_limit", U::kNone, C::kUser, "0", 0, kLarge, kResources,
           "Row limit of queries without one; 0 = none.", kLater),
    boolean("seal", C::kSighup, "on", kStorage, "Seal full tails into segments.", false, kLater),
    number("seal_after", U::kMilliseconds, C::kSighup, "1h", kMinute, 24 * kHour, kStorage,
           "Age at which a tail is sealed.", kLater),
    number("hot_rows_max", U::kNone, C::kSighup, "262144", 65536, kLarge, kStorage,
           "Rows a shard keeps unsealed.", kLater),
    number("index_build_budget", U::kBytes, C::kSighup, "1GB", 64 * kMb, kLarge, kIndexing,
           "Memory of an index build.", kLater),
    number("max_open_shards", U::kNone, C::kSighup, "512", 16, 65536, kStorage,
           "Shard files held open for reading."),
    number("statement_pool_size", U::kNone, C::kPostmaster, "64", 8, 1024, kStorage,
           "Prepared statements kept by a read connection."),
    number("page_size", U::kBytes, C::kPostmaster, "16kB", kKb, 64 * kKb, kStorage,
           "Page size of new shard files, a power of two."),
    number("wal_size_limit", U::kBytes, C::kSighup, "64MB", 4 * kMb, kLarge, kStorage,
           "WAL size that closes the reader gate for a checkpoint."),
    number("max_snapshot_age", U::kMilliseconds, C::kSighup, "1h", kMinute, kLarge, kStorage,
           "Age at which a snapshot is too old."),
    number("plan_cache_entries", U::kNone, C::kSighup, "4096", 0, 1000000, kResources,
           "Bound statements kept for all sessions; 0 = none."),
    number("plan_cache_size", U::kBytes, C::kSighup, "16MB", 0, kLarge, kResources,
           "Memory of bound statements kept for all sessions; 0 = none."),
    number("max_connections", U::kNone, C::kSighup, "200", 1, 10000, kConnections,
           "Connections at once."),
    number("superuser_reserved_connections", U::kNone, C::kPostmaster, "3", 0, 100, kConnections,
           "Of these, kept for superusers."),
    number("authentication_timeout", U::kMilliseconds, C::kSighup, "10s", kSecond, 600 * kSecond,
           kConnections, "Longest a start-up may take."),
    number("max_message_size", U::kBytes, C::kSighup, "32MB", 64 * kKb, kGb, kConnections,
           "Largest protocol message."),
    number("emit_buffer", U::kBytes, C::kUser, "16MB", 64 * kKb, kGb, kIngest,
           "Rows of a transaction kept in memory before they go to the shard in chunks."),
    number("emit_spool_max", U::kBytes, C::kUser, "16GB", 64 * kKb, kLarge, kIngest,
           "Most bytes one transaction may insert."),
    number("lock_timeout", U::kMilliseconds, C::kUser, "0", 0, 2147483647, kClient,
           "Longest wait for a lock; 0 = no limit.", kLater),
    number("idle_session_timeout", U::kMilliseconds, C::kUser, "0", 0, 2147483647, kClient,
           "Idle time that ends a session; 0 = never."),
    number("idle_in_transaction_session_timeout", U::kMilliseconds, C::kUser, "0", 0, 2147483647,
           kClient, "Idle time in a transaction that ends a session; 0 = never."),
    number("shutdown_timeout", U::kMilliseconds, C::kSighup, "30s", kSecond, 600 * kSecond,
           kConnections, "Longest a shutdown may take."),
    number("io_threads", U::kNone, C::kPostmaster, "0", 0, 64, kResources,
           "Threads serving connections; 0 = cores."),
    string_setting("ingest_group", C::kPostmaster, "", kIngest,
                   "Group that owns the ingest sockets.", false, kLater),
    string_setting("boot_id", C::kPostmaster, "", kIngest, "Boot id to stamp; empty = the kernel's."),
    string_setting("node_name", C::kPostmaster, "", kIngest, "Name of this node.", false, kLater),
    string_setting("syslog_listen", C::kPostmaster, "", kIngest, "Syslog addresses; empty = off.",
                   false, kLater),
    choice("synchronous_commit", C::kUser, "on", kCommits, kIngest,
           "Whether INSERT and COPY wait for the durable commit."),
    number("cross_type_window", U::kMilliseconds, C::kSighup, "15s", kSecond, 300 * kSecond,
           kResources, "Window of cross-type filters.", kLater),
    number("cross_type_max_lookback", U::kMilliseconds, C::kSighup, "7d", kHour, 30 * kDay, kResources,
           "Longest range of cross-type filters.", kLater),
    number("log_min_duration_statement", U::kMilliseconds, C::kSighup, "500ms", -1, 2147483647,
           kLogging, "Logs statements that ran longer; -1 = off."),
    boolean("ssl", C::kSighup, "on", kConnections, "TLS on TCP connections."),
    string_setting("ssl_cert_file", C::kSighup, "", kConnections,
                   "Certificate; empty = a generated one."),
    string_setting("ssl_key_file", C::kSighup, "", kConnections, "Private key of the certificate."),
    string_setting("ssl_ca_file", C::kPostmaster, "", kConnections,
                   "Authorities for client certificates.", false, kLater),
    choice("ssl_min_protocol_version", C::kSighup, "TLSv1.2", kTlsVersions, kConnections,
           "Oldest TLS accepted."),
    string_setting("hba", C::kSighup, "", kConnections, "Who may connect how, in pg_hba form."),
    choice("drain_affinity", C::kPostmaster, "node", kAffinities, kIngest,
           "Where drain threads are pinned."),
    choice("huge_pages", C::kPostmaster, "try", kOnOffTry, kResources, "Huge pages for rings."),
    choice("log_level", C::kSighup, "info", kLogLevels, kLogging, "Least severity that is logged."),
    choice("log_format", C::kSighup, "text", kLogFormats, kLogging, "Form of log lines."),
    string_setting("log_destination", C::kSighup, "stderr", kLogging, "stderr or a file."),
    choice("audit", C::kSighup, "ddl", kAudits, kLogging, "What is recorded as audit events.", false,
           kLater),

    string_setting("TimeZone", C::kUser, "UTC", kClient, "Zone in which timestamps are shown.", true),
    string_setting("DateStyle", C::kUser, "ISO, MDY", kClient, "Form of dates.", true),
    choice("IntervalStyle", C::kUser, "postgres", kIntervalStyles, kClient, "Form of intervals.", true),
    choice("bytea_output", C::kUser, "hex", kByteaOutputs, kClient, "Form of bytea."),
    number("extra_float_digits", U::kNone, C::kUser, "1", -15, 3, kClient,
           "Digits of floating-point output; above 0 the shortest exact form."),
    string_setting("application_name", C::kUser, "", kClient, "Name the client gives itself.", true),
    string_setting("client_encoding", C::kUser, "UTF8", kClient, "Encoding of the client.", true),
    string_setting("search_path", C::kUser, "\"$user\", public", kClient,
                   "Schemas searched for unqualified names."),
    choice("client_min_messages", C::kUser, "notice", kMessageLevels, kClient,
           "Least severity sent to the client."),
    boolean("standard_conforming_strings", C::kUser, "on", kClient,
            "Backslashes are ordinary in '…' strings; only on.", true),
    choice("default_transaction_isolation", C::kUser, "read committed", kIsolations, kClient,
           "Isolation of new transactions."),
    choice("transaction_isolation", C::kUser, "read committed", kIsolations, kClient,
           "Isolation of this transaction."),
    boolean("default_transaction_read_only", C::kUser, "off", kClient,
            "New transactions are read-only.", true),
    boolean("transaction_read_only", C::kUser, "off", kClient, "This transaction is read-only."),

    string_setting("server_version", C::kInternal, "15.0 (eventd 0.1.0)", kPreset, "Version.", true),
    number("server_version_num", U::kNone, C::kInternal, "150000", 150000, 150000, kPreset,
           "Version as a number."),
    string_setting("server_encoding", C::kInternal, "UTF8", kPreset, "Encoding of the data.", true),
    boolean("integer_datetimes", C::kInternal, "on", kPreset, "Timestamps are integers.", true),
    boolean("in_hot_standby", C::kInternal, "off", kPreset, "Whether this is a standby.", true),
    boolean("is_superuser", C::kInternal, "off", kPreset, "Whether the session's role is one.", true),
    string_setting("session_authorization", C::kInternal, "", kPreset, "The session's role.", true),
    number("max_identifier_length", U::kNone, C::kInternal, "63", 63, 63, kPreset,
           "Longest identifier in bytes."),
    number("block_size", U::kNone, C::kInternal, "8192", 8192, 8192, kPreset,
           "PostgreSQL's page size, for clients that ask."),
    string_setting("lc_collate", C::kInternal, "C", kPreset, "Collation order."),
    string_setting("lc_ctype", C::kInternal, "C", kPreset, "Character classes."),
});

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(x) == lower(y);
  });
}

}  // namespace

std::span<const SettingInfo> setting_table() { return kTable; }

namespace {

struct NameHash {
  size_t operator()(std::string_view name) const {
    size_t hash = 14695981039346656037u;  // FNV-1a of the lower-case name
    for (const char c : name) {
      hash ^= static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
      hash *= 1099511628211u;
    }
    return hash;
  }
};
struct SameName {
  bool operator()(std::string_view a, std::string_view b) const { return same_name(a, b); }
};
using Index = std::unordered_map<std::string_view, const SettingInfo*, NameHash, SameName>;

Index make_index() {
  Index index;
  for (const SettingInfo& info : kTable) index.emplace(info.name, &info);
  return index;
}

}  // namespace

const SettingInfo* find_setting(std::string_view name) {
  static const Index index = make_index();
  const auto at = index.find(name);
  return at == index.end() ? nullptr : at->second;
}

size_t setting_index(const SettingInfo& info) { return static_cast<size_t>(&info - kTable.data()); }

}  // namespace eventd::engine
