#!/usr/bin/env python3
"""What plans read: EXPLAIN (ANALYZE, FORMAT JSON) counts the rows that storage steps over."""
import argparse
import json
import sys
import pathlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import e2e_test
from eventd_server import EventdServer

EVENTS, BATCH = 20_000, 500
# Scans read batches ahead of what a LIMIT takes, of each shard.
FEW = 4_096


def load(client):
    for first in range(0, EVENTS, BATCH):
        client.query(
            "INSERT INTO events (event_type, payload) SELECT 'p.' || (i % 4)::text, "
            "jsonb_build_object('pid', i % 50, 'n', i) "
            f"FROM generate_series({first}, {first + BATCH - 1}) AS i")


def nodes(plan):
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def explain(client, sql):
    return json.loads(client.value(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}"))[0]["Plan"]


def rows_read(plan):
    return sum(node.get("Rows Read", 0) for node in nodes(plan))


def rows_returned(plan):
    """By scans, to whatever is above them."""
    return sum(node.get("Rows Returned", 0) for node in nodes(plan))


def has(plan, **wanted):
    wanted = {key.replace("_", " "): value for key, value in wanted.items()}
    return any(all(node.get(key) == value for key, value in wanted.items()) for node in nodes(plan))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin-dir", default=str(e2e_test.REPOSITORY / "build/dev/bin"))
    options = parser.parse_args()
    failures = []

    with EventdServer(options.bin_dir) as server, server.connect() as client:
        load(client)
        middle = client.rows("SELECT timestamp, sequence FROM events ORDER BY timestamp, sequence "
                             f"OFFSET {EVENTS // 2} LIMIT 1")[0]
        page = f"(timestamp, sequence) < ('{middle[0]}', {middle[1]})"
        order = "ORDER BY timestamp DESC, sequence DESC"

        def reads_few(sql, few=FEW):
            plan = explain(client, sql)
            if rows_read(plan) > few:
                failures.append(f"{rows_read(plan)} rows read: {sql}\n{json.dumps(plan, indent=1)}")

        def reads_all(sql):
            plan = explain(client, sql)
            if rows_read(plan) < EVENTS:
                failures.append(f"only {rows_read(plan)} rows read: {sql}")

        def returns(sql, rows):
            plan = explain(client, sql)
            if rows_returned(plan) != rows:
                failures.append(f"{rows_returned(plan)} rows returned by scans: {sql}\n{json.dumps(plan, indent=1)}")

        def planned(sql, **wanted):
            plan = explain(client, sql)
            if not has(plan, **wanted):
                failures.append(f"no {wanted}: {sql}\n{json.dumps(plan, indent=1)}")

        reads_all("SELECT count(payload) FROM events")
        reads_all("SELECT payload FROM events ORDER BY payload->>'n' LIMIT 5")
        for sql in (
                "SELECT * FROM events ORDER BY timestamp DESC LIMIT 10",
                f"SELECT * FROM events {order} LIMIT 10",
                f"SELECT * FROM events WHERE {page} {order} LIMIT 10",
                f"SELECT * FROM (SELECT * FROM events) e WHERE {page} {order} LIMIT 10",
                f"WITH e AS (SELECT timestamp, sequence, event_type FROM events) SELECT * FROM e {order} LIMIT 10",
                "SELECT * FROM (SELECT timestamp, event_type FROM events WHERE event_type = 'p.1' UNION ALL "
                "SELECT timestamp, event_type FROM events WHERE event_type = 'p.2') u ORDER BY timestamp DESC LIMIT 10",
                "SELECT max(timestamp) FROM events",
                "SELECT min(timestamp), max(timestamp) FROM events",
                "SELECT e.timestamp, x.n FROM events e LEFT JOIN (VALUES ('p.1', 7)) x(t, n) ON x.t = e.event_type "
                "ORDER BY e.timestamp DESC LIMIT 10",
                "SELECT count(*) FROM events WHERE timestamp < '2001-01-01'",
                "SELECT count(*) FROM events WHERE date_trunc('day', timestamp) = '2001-01-01'",
                "SELECT count(*) FROM events a JOIN events b ON a.timestamp = b.timestamp WHERE a.timestamp < '2001-01-01'",
                "SELECT count(*) FROM (SELECT timestamp AS t FROM events UNION ALL SELECT timestamp FROM events) u "
                "WHERE t < '2001-01-01'",
                "WITH e AS (SELECT * FROM events) SELECT count(*) FROM e WHERE timestamp < '2001-01-01'",
                "SELECT count(*) FROM events WHERE timestamp > '2001-01-01' AND false",
        ):
            reads_few(sql)
        # Types and payload values are looked at by the scan, whatever stands between.
        quarter, fiftieth = EVENTS // 4, EVENTS // 50
        for condition, rows in (
                ("event_type = 'p.1'", quarter),
                ("event_type LIKE 'p.1%'", quarter),
                ("event_type IN ('p.1', 'p.2', 'nothing')", 2 * quarter),
                ("event_type LIKE 'nothing.%'", 0),
                ("payload->>'pid' = '7'", fiftieth),
                ("payload->>'pid' IN ('7', '8')", 2 * fiftieth),
                ("payload->>'pid' = '7' OR payload->>'pid' = '8'", 2 * fiftieth),
                ("event_type = 'p.1' AND payload->>'pid' = '7'", EVENTS // 100),
                ("(payload->>'pid')::int = 7", fiftieth),
                ("7 = (payload->>'pid')::bigint", fiftieth),
                ("(payload->>'pid')::numeric = 7.0", fiftieth),
                ("(payload->>'pid')::float8 < 0.5", fiftieth),
                ("(payload->>'pid')::int BETWEEN 7 AND 8", 2 * fiftieth),
                ("(payload->>'pid')::int IN (7, 8)", 2 * fiftieth),
                ("(payload->>'pid')::bigint = ANY ('{7, 8}')", 2 * fiftieth),
                ("(payload->>'pid')::int = 7 OR (payload->>'pid')::int = 8", 2 * fiftieth),
                ("(payload->>'pid')::int >= 48.5", fiftieth),
        ):
            returns(f"SELECT count(*) FROM events WHERE {condition}", rows)
            returns(f"SELECT count(*) FROM (SELECT event_type, payload, timestamp FROM events) e WHERE {condition}", rows)
            returns(f"WITH e AS (SELECT * FROM events) SELECT count(*) FROM e WHERE {condition}", rows)
            returns("SELECT count(*) FROM (SELECT event_type, payload FROM events WHERE timestamp > '2001-01-01' UNION ALL "
                    f"SELECT event_type, payload FROM events WHERE timestamp < '2001-01-01') u WHERE {condition}", rows)
            returns(f"SELECT n FROM (VALUES (1)) v(n) WHERE n < (SELECT count(*) FROM events WHERE {condition})", rows)
        returns("EVENTS p.1 COUNT BY event_type", quarter)
        returns("EVENTS p.* WHERE event_type == \"p.2\" COUNT BY event_type", quarter)
        planned("SELECT * FROM events e WHERE EXISTS (SELECT 1 FROM events f WHERE f.sequence = e.sequence)",
                Node_Type="Hash Join", Join_Type="Semi")
        planned("SELECT * FROM events e WHERE NOT EXISTS (SELECT 1 FROM events f WHERE f.sequence = e.sequence)",
                Node_Type="Hash Join", Join_Type="Anti")
        planned("SELECT event_type, (SELECT count(*) FROM events f WHERE f.cpu_id = e.cpu_id) FROM events e",
                Node_Type="Hash Join", Join_Type="Left")
        planned("SELECT CASE WHEN cpu_id > 0 THEN (SELECT count(*) FROM events f WHERE f.cpu_id = e.cpu_id) END FROM events e",
                Node_Type="Hash Join", Join_Type="Left")
        for left, right in (("date", "timestamptz"), ("timestamp", "date"), ("timestamptz", "timestamp")):
            planned(f"SELECT * FROM (SELECT timestamp::{left} AS t FROM events) a "
                    f"JOIN (SELECT timestamp::{right} AS t FROM events) b ON a.t = b.t LIMIT 1", Node_Type="Hash Join")
        planned("SELECT * FROM events e, LATERAL jsonb_each(e.payload) j LIMIT 1", Node_Type="ProjectSet")

    for failure in failures:
        print(failure)
    print(f"{len(failures)} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
