#include "bench/query_lists.h"

#include <fmt/format.h>

#include "bench/loaded_servers.h"

namespace eventd::bench {
namespace {

/// `timestamp` within the hours [first, end) of the day.
std::string hours(int64_t begin_ns, int first, int end) {
  const int64_t hour_ns = Workload::kDayNs / 24;
  return fmt::format("timestamp >= '{}' AND timestamp < '{}'", timestamp_text(begin_ns + hour_ns * first),
                     timestamp_text(begin_ns + hour_ns * end));
}

constexpr const char* kLatency = "(payload->>'latency_us')::float8";

}  // namespace

std::vector<BenchQuery> common_queries(const EventSet& events, int64_t begin_ns) {
  const std::string last_hour = hours(begin_ns, 23, 24);
  const WorkloadEvent& middle = events.event(events.size() / 2);
  const std::string latency =
      "SELECT event_type, avg((payload->>'latency_us')::float8), percentile_cont(0.95) WITHIN GROUP "
      "(ORDER BY (payload->>'latency_us')::float8) FROM events ";
  return {
      {"a count by type", "SELECT event_type, count(*) FROM events GROUP BY event_type"},
      {"b count by type, last hour",
       "SELECT event_type, count(*) FROM events WHERE " + last_hour + " GROUP BY event_type"},
      {"c top 10 processes, last hour", "SELECT process_guid, count(*) FROM events WHERE " + last_hour +
                                            " GROUP BY process_guid ORDER BY 2 DESC LIMIT 10"},
      {"d last 100", "SELECT timestamp, event_type, cpu_id, sequence, payload FROM events "
                     "ORDER BY timestamp DESC LIMIT 100"},
      {"e by cpu_id and sequence",
       fmt::format("SELECT timestamp, event_type, payload FROM events WHERE cpu_id = {} AND sequence = {}",
                   middle.cpu_id, middle.sequence)},
      {"f count per minute", "SELECT date_trunc('minute', timestamp), count(*) FROM events GROUP BY 1 "
                             "ORDER BY 1"},
      {"g1h avg, p95 by type", latency + "WHERE " + last_hour + " GROUP BY event_type"},
      {"g24h avg, p95 by type", latency + "GROUP BY event_type"},
  };
}

std::vector<BenchQuery> shape_queries(const EventSet& events, int64_t begin_ns) {
  (void)events;
  const std::string six_hours = hours(begin_ns, 12, 18);
  const std::string last_hour = hours(begin_ns, 23, 24);
  return {
      {"join of three, grouped",
       "SELECT t.area, p.busy, count(*), max(e.sequence) FROM events e "
       "JOIN (SELECT event_type, split_part(event_type, '.', 2) AS area FROM events GROUP BY event_type) t "
       "ON t.event_type = e.event_type "
       "JOIN (SELECT process_guid, count(*) > 1000 AS busy FROM events GROUP BY process_guid) p "
       "ON p.process_guid = e.process_guid GROUP BY t.area, p.busy ORDER BY 1, 2"},
      {"join with itself, one hour",
       "SELECT count(*) FROM events a JOIN events b ON a.process_guid = b.process_guid AND a.cpu_id = b.cpu_id AND "
       "b.sequence = a.sequence + 1 WHERE a." + last_hour.substr(0, last_hour.find(" AND ")) +
           " AND b." + last_hour.substr(0, last_hour.find(" AND "))},
      {"semi join",
       "SELECT count(*) FROM events e WHERE process_guid IN (SELECT process_guid FROM events GROUP BY process_guid "
       "HAVING count(*) > 5000)"},
      {"two windows",
       "SELECT max(r), sum(d) FROM (SELECT row_number() OVER (PARTITION BY event_type ORDER BY timestamp) AS r, "
       "sequence - lag(sequence) OVER (PARTITION BY cpu_id ORDER BY sequence) AS d FROM events) w"},
      {"running sum over a group", "SELECT minute, n, sum(n) OVER (ORDER BY minute), avg(n) OVER (ORDER BY minute ROWS "
                                   "BETWEEN 9 PRECEDING AND CURRENT ROW) FROM (SELECT date_trunc('minute', timestamp) "
                                   "AS minute, count(*) AS n FROM events GROUP BY 1) m ORDER BY 1"},
      {"distinct of two columns",
       "SELECT count(*) FROM (SELECT DISTINCT process_guid, event_type FROM events) d"},
      {"count(DISTINCT)", "SELECT event_type, count(DISTINCT process_guid) FROM events GROUP BY 1 ORDER BY 1"},
      {"sort everything",
       "SELECT count(*), max(s) FROM (SELECT sequence AS s FROM events ORDER BY process_guid, sequence OFFSET 0) o"},
      {"last row of every process",
       "SELECT DISTINCT ON (process_guid) process_guid, timestamp, event_type FROM events ORDER BY process_guid, "
       "timestamp DESC"},
      {"union of two hours",
       "SELECT event_type FROM events WHERE " + last_hour + " UNION SELECT event_type FROM events WHERE " +
           hours(begin_ns, 0, 1) + " ORDER BY 1"},
      {"rollup", "SELECT cpu_id, event_type, count(*) FROM events GROUP BY ROLLUP (cpu_id, event_type)"},
      {"Grafana: series by epoch",
       fmt::format("SELECT floor(extract(epoch from timestamp)/300)*300 AS \"time\", event_type AS metric, avg({}) AS "
                   "value FROM events WHERE {} GROUP BY 1,2 ORDER BY 1,2", kLatency, six_hours)},
      {"Grafana: count by epoch",
       "SELECT floor((extract(epoch from timestamp)::bigint)/60)*60 AS \"time\", count(*) FROM events WHERE " + six_hours +
           " GROUP BY 1 ORDER BY 1"},
      {"Grafana: hourly p95 in a zone",
       fmt::format("SELECT date_trunc('hour', timestamp AT TIME ZONE 'Europe/Madrid') AS \"time\", percentile_cont(0.95) "
                   "WITHIN GROUP (ORDER BY {}) AS p95, count(*) FILTER (WHERE NOT (payload->>'ok')::bool) AS errors FROM "
                   "events WHERE {} GROUP BY 1 ORDER BY 1", kLatency, six_hours)},
      {"Grafana: table of 50",
       fmt::format("SELECT timestamp AS \"time\", {} AS latency FROM events WHERE {} ORDER BY 1 LIMIT 50", kLatency, six_hours)},
      {"Grafana: top of one type",
       "SELECT event_type, count(*) AS n FROM public.events WHERE (" + six_hours +
           " AND event_type = 'kacs.file.access') GROUP BY event_type ORDER BY n DESC LIMIT 50"},
      {"Grafana: variable", "SELECT DISTINCT event_type AS __text, event_type AS __value FROM events ORDER BY 1"},
      {"Grafana: annotations",
       "SELECT timestamp as time, 0 as timeend, event_type as text, cpu_id||','||origin_class as tags FROM events WHERE " +
           six_hours + " LIMIT 10"},
      {"Metabase: count by hour",
       "SELECT DATE_TRUNC('hour', \"public\".\"events\".\"timestamp\") AS \"timestamp\", COUNT(*) AS \"count\" FROM "
       "\"public\".\"events\" GROUP BY DATE_TRUNC('hour', \"public\".\"events\".\"timestamp\") ORDER BY DATE_TRUNC('hour', "
       "\"public\".\"events\".\"timestamp\") ASC"},
      {"Metabase: nested question",
       "SELECT \"source\".\"event_type\" AS \"event_type\", COUNT(*) AS \"count\", AVG(\"source\".\"sequence\") AS \"avg\" FROM "
       "(SELECT \"public\".\"events\".\"event_type\" AS \"event_type\", \"public\".\"events\".\"sequence\" AS \"sequence\", "
       "\"public\".\"events\".\"cpu_id\" AS \"cpu_id\" FROM \"public\".\"events\") AS \"source\" WHERE \"source\".\"cpu_id\" = 1 "
       "GROUP BY \"source\".\"event_type\" ORDER BY \"count\" DESC, \"source\".\"event_type\" ASC LIMIT 100"},
      {"Metabase: first 2000",
       "SELECT \"public\".\"events\".\"timestamp\" AS \"timestamp\", \"public\".\"events\".\"event_type\" AS \"event_type\", "
       "\"public\".\"events\".\"payload\" AS \"payload\" FROM \"public\".\"events\" LIMIT 2000"},
  };
}

}  // namespace eventd::bench
