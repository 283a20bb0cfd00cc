#!/usr/bin/env python3
"""Statements that real clients send over data: eventd's answers beside PostgreSQL's.

The recordings are in shared/clients; those of the tables there run over derived tables of the same
columns, made of events, on both servers alike. What reads system catalogs, writes, or needs cursors is
left out here. Skips without the recordings or PostgreSQL.
"""
import json
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import e2e_test
from eventd_server import EventdServer
from pg_client import TYPE_NAMES, PgError
from postgres_server import BIN, PostgresServer

ARGUMENTS = e2e_test.arguments(show_failures=0)
ROWS = 2000
EVENT_COLUMNS = """timestamp timestamptz, event_type text, origin_class int2, cpu_id int4, sequence int8,
 process_guid uuid, effective_token_guid uuid, true_token_guid uuid, boot_id uuid, payload jsonb,
 timestamp_ns int8"""
BASE = "FROM public.events WHERE event_type = 'client.row'"
ID = "(payload->>'id')::bigint"
TABLES = {
    "events": f"""SELECT {ID} AS id, (payload->>'ts')::timestamptz AS ts, payload->>'host' AS host,
 (payload->>'service')::varchar(64) AS service, (payload->>'severity')::smallint AS severity,
 payload->>'name' AS name, (payload->>'trace_id')::uuid AS trace_id,
 (payload->>'duration_ms')::float8 AS duration_ms, (payload->>'ok')::boolean AS ok,
 (payload->>'tags')::text[] AS tags, payload->'attrs' AS attrs,
 decode(payload->>'payload', 'hex') AS payload {BASE}""",
    "logs": f"""SELECT {ID} AS id, {ID} AS event_id, (payload->>'ts')::timestamptz AS ts,
 (array['debug','info','warn','error'])[1 + {ID} % 4] AS level, 'message ' || (payload->>'id') AS message,
 payload->'attrs' AS attrs {BASE}""",
    "metrics": f"""SELECT (payload->>'ts')::timestamptz AS ts, 'm' || ({ID} % 3)::text AS name,
 payload->>'host' AS host, (payload->>'duration_ms')::float8 AS value, ({ID} % 10)::int AS count,
 ({ID} * 1.25)::numeric(20,4) AS total, (payload->>'ts')::timestamptz::date AS day,
 '{{"r": "eu"}}'::jsonb AS labels {BASE}""",
}
# Values of parameters where the recording's are binary.
VALUES = {"text": "host1", "varchar": "host1", "bigint": "7", "integer": "7", "int": "7", "smallint": "2",
          "numeric": "10.5", "float8": "20.5", "timestamptz": "2024-05-01 00:00:00+00", "boolean": "true",
          "timestamp": "2024-05-01 00:00:00", "date": "2024-05-01", "text[]": "{host1,m1}", "bigint[]": "{5,7}",
          "integer[]": "{5,7}", "uuid": "c4ca4238-a0b9-2382-0dcc-509a6f75849b"}
SYSTEM = re.compile(r"\b(pg_\w+|information_schema|v_errors|v_metrics_1m|notes|event_count|ops\.)", re.I)
RELATION = re.compile(r"\b(FROM|JOIN|,)(\s*\(*\s*)(?:\"?public\"?\.)?\"?(events|logs|metrics)\"?(?![\w.(])(\s+(?:AS\s+)?(?!"
                      r"(?:where|order|group|limit|on|join|inner|left|right|full|cross|union|having|offset|for|as|fetch|natural)\b)\w+)?", re.I)


def payload(i):
    return {"id": i, "host": f"host{i % 5}", "service": f"svc{i % 3}", "severity": i % 8, "name": f"ev{i % 7}",
            "ts": f"2024-05-{1 + i * 37 // 86400:02d} {i * 37 // 3600 % 24:02d}:{i * 37 // 60 % 60:02d}:{i * 37 % 60:02d}+00",
            "trace_id": f"{i:032x}", "duration_ms": (i * 13 % 1000) / 8, "ok": i % 9 != 0, "payload": f"{i:016x}",
            "tags": f"{{a,b{i % 3}}}", "attrs": {"k": i, "u": f"x{i % 4}", "nested": {"z": i % 2}}}


def adapted(sql):
    """The statement over derived tables; None when none of the tables is in it."""
    found = []

    def replace(match):
        table = match.group(3).lower()
        found.append(table)
        return f"{match.group(1)}{match.group(2)}({TABLES[table]}) {match.group(4) or 'AS ' + table} "

    sql = RELATION.sub(replace, sql)
    return sql if found else None


def with_parameters(sql, types):
    def replace(match):
        number = int(match.group(1))
        if number > len(types) or types[number - 1] not in VALUES:
            raise KeyError(match.group(0))
        return f"('{VALUES[types[number - 1]]}'::{types[number - 1]})"

    return re.sub(r"\$(\d+)", replace, sql)


def statements(folder):
    """(file, statement as it runs here); each once."""
    seen = set()
    for path in sorted(folder.glob("*.sql")):
        if path.name == "schema.sql":
            continue
        for block in re.split(r"\n\s*\n(?=--)", path.read_text()):
            lines = block.split("\n")
            says = re.search(r"server-says=(\S+?);", block)
            sql = "\n".join(line for line in lines if not line.startswith("--")).strip().rstrip(";")
            # A query by whatever way it was sent.
            sql = re.sub(r"^(declare \w+ cursor for|explain|copy\s*\((?=.*\)\s*to\b))\s*", "", sql, flags=re.I)
            sql = re.sub(r"\)\s*to\s+stdout\b.*$", "", sql, flags=re.I | re.S)
            if not re.match(r"(select|with|values)\b", sql, re.I) or SYSTEM.search(sql) or "\\watch" in sql:
                continue
            # Without parameters: as recorded by drivers that send them in the text.
            try:
                sql = with_parameters(sql, re.split(r",(?![^[]*\])", says.group(1)) if says else [])
            except KeyError:
                continue
            sql = adapted(sql)
            if sql is not None and sql not in seen:
                seen.add(sql)
                yield path.name, sql


# What a BI tool makes of a table when somebody clicks: Metabase's and Superset's shapes.
BI = [
    'SELECT count(*) AS "count" FROM "public"."events"',
    'SELECT "public"."events"."host" AS "host", count(*) AS "count" FROM "public"."events" GROUP BY "public"."events"."host" ORDER BY "public"."events"."host" ASC',
    'SELECT DATE_TRUNC(\'hour\', "source"."ts") AS "ts", SUM("source"."duration_ms") AS "sum" FROM (SELECT "events"."ts" AS "ts", "events"."duration_ms" AS "duration_ms" FROM events WHERE "events"."ok" = TRUE) AS "source" GROUP BY DATE_TRUNC(\'hour\', "source"."ts") ORDER BY DATE_TRUNC(\'hour\', "source"."ts") ASC LIMIT 2000',
    'SELECT CAST("source"."ts" AS date) AS "ts", COUNT(DISTINCT "source"."host") AS "n" FROM (SELECT * FROM events) "source" GROUP BY CAST("source"."ts" AS date) ORDER BY 1',
    'SELECT "source"."severity" AS "severity", "source"."avg" AS "avg" FROM (SELECT severity, avg(duration_ms) AS "avg" FROM events GROUP BY severity) AS "source" WHERE "source"."avg" > 10 ORDER BY "source"."avg" DESC, "source"."severity" ASC',
    'SELECT FLOOR(("source"."duration_ms" / 25.0)) * 25.0 AS "bin", COUNT(*) AS "count" FROM (SELECT duration_ms FROM events) AS "source" GROUP BY FLOOR(("source"."duration_ms" / 25.0)) * 25.0 ORDER BY 1 ASC',
    'SELECT e."host", l."level", count(*) FROM events e LEFT JOIN logs l ON e."id" = l."event_id" GROUP BY e."host", l."level" ORDER BY 1, 2',
    'SELECT host, sum(n) OVER (ORDER BY host) AS running, rank() OVER (ORDER BY n DESC, host) AS place FROM (SELECT host, count(*) AS n FROM events GROUP BY host) x ORDER BY host',
    'SELECT host, id FROM (SELECT host, id, row_number() OVER (PARTITION BY host ORDER BY duration_ms DESC, id) AS r FROM events) x WHERE r <= 3 ORDER BY host, r',
    'SELECT CASE WHEN "severity" >= 5 THEN \'high\' ELSE \'low\' END AS "class", MIN(ts), MAX(ts), SUM(CASE WHEN NOT ok THEN 1 ELSE 0 END) AS errors FROM events GROUP BY 1 ORDER BY 1',
    'SELECT to_char(ts, \'YYYY-MM-DD HH24:00\') AS hour, percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY duration_ms) AS p FROM events GROUP BY 1 ORDER BY 1',
    'WITH top AS (SELECT host FROM events GROUP BY host ORDER BY count(*) DESC, host LIMIT 2) SELECT e.host, date_trunc(\'hour\', e.ts) AS t, avg(e.duration_ms) FROM events e JOIN top ON top.host = e.host GROUP BY 1, 2 ORDER BY 1, 2',
    'SELECT DISTINCT ON (host) host, ts, id FROM events ORDER BY host, ts DESC, id',
    'SELECT host, severity, count(*) FROM events GROUP BY ROLLUP (host, severity) ORDER BY host NULLS LAST, severity NULLS LAST',
    'SELECT s.t, count(e.id) FROM generate_series(\'2024-05-01 00:00+00\'::timestamptz, \'2024-05-01 05:00+00\', \'1 hour\') AS s(t) LEFT JOIN events e ON e.ts >= s.t AND e.ts < s.t + interval \'1 hour\' GROUP BY s.t ORDER BY s.t',
    'SELECT e.host, x.key, count(*) FROM events e CROSS JOIN LATERAL jsonb_each_text(e.attrs) AS x(key, value) GROUP BY 1, 2 ORDER BY 1, 2',
    'SELECT id FROM events WHERE id IN (SELECT event_id FROM logs WHERE level = \'error\') AND host = \'host3\' ORDER BY id LIMIT 20',
    'SELECT host FROM events EXCEPT SELECT host FROM events WHERE severity > 6 ORDER BY 1',
    'SELECT m.name, m.day, sum(m.total), max(m.value) FROM metrics m WHERE m.count BETWEEN 2 AND 8 GROUP BY GROUPING SETS ((m.name, m.day), (m.name), ()) ORDER BY 1 NULLS LAST, 2 NULLS LAST',
    'SELECT unnest(tags) AS tag, count(*) FROM events GROUP BY 1 ORDER BY 2 DESC, 1',
]


def answer(client, sql):
    try:
        result = client.query(sql)[-1]
    except PgError as error:
        return ("error", error.sqlstate, error.message)
    columns = [(name, TYPE_NAMES.get(oid, oid)) for name, oid in result.columns or []]
    rows = [tuple(rounded(value) if kind == "float8" else value
                  for value, (_, kind) in zip(row, columns)) for row in result.rows]
    ordered = re.search(r"\border\s+by\b(?![^()]*\))", sql, re.I) is not None
    return (columns, rows if ordered else sorted(rows, key=repr), result.tag)


# Sums of floats depend on the order of the rows.
def rounded(value):
    return value if value is None else f"{float(value):.10g}"


class StatementAnswers(unittest.TestCase):
    def test_clients_statements(self):
        folder = e2e_test.shared_data().parent / "clients"
        if not folder.is_dir() or not (BIN / "postgres").exists():
            e2e_test.skip("no recordings of clients, or no PostgreSQL 15")
        wanted = list(statements(folder)) + [("BI", adapted(sql)) for sql in BI]
        self.assertGreater(len(wanted), 60)
        rows = [json.dumps(payload(i)) for i in range(1, ROWS + 1)]
        with EventdServer(ARGUMENTS.bin_dir) as server, PostgresServer() as reference:
            with server.connect() as ours, reference.connect() as theirs:
                ours.copy_in("COPY events (event_type, payload) FROM STDIN",
                             "".join(f"client.row\t{e2e_test.copy_escaped(row)}\n" for row in rows).encode())
                theirs.query(f"CREATE TABLE events ({EVENT_COLUMNS})")
                theirs.copy_in("COPY events (event_type, payload) FROM STDIN",
                               "".join(f"client.row\t{e2e_test.copy_escaped(row)}\n" for row in rows).encode())
                for client in (ours, theirs):
                    client.query("SET TimeZone = 'UTC'")
                failures = [(name, sql, got, right) for name, sql in wanted
                            if not same(got := answer(ours, sql), right := answer(theirs, sql), sql)]
        for name, sql, got, right in failures:
            print(f"{name}: {shown(sql)}\n  eventd:     {str(got)[:300]}\n  PostgreSQL: {str(right)[:300]}")
        print(f"{len(wanted) - len(failures)} of {len(wanted)} statements answered as by PostgreSQL")
        self.assertFalse(failures)


def same(got, right, sql):
    if got[0] == "error" or right[0] == "error":
        return got[:2] == right[:2]
    # LIMIT without ORDER BY: which rows come is nobody's promise.
    if re.search(r"\blimit\b", sql, re.I) and not re.search(r"\border\s+by\b", sql, re.I):
        return got[0] == right[0] and len(got[1]) == len(right[1])
    # Rows that tie on the keys come in any order.
    return got == right or (got[0] == right[0] and got[2] == right[2] and sorted(got[1], key=repr) == sorted(right[1], key=repr)
                            and keys(got, sql) == keys(right, sql))


def keys(answered, sql):
    """What the rows are ordered by, as far as the last ORDER BY names columns of the result."""
    columns, rows, _ = answered
    names, places = [name for name, _ in columns], []
    for key in re.split(r"\border\s+by\b", sql, flags=re.I)[-1].split(","):
        word = re.match(r'\s*(?:\w+\.|"\w+"\.)*"?(\w+)"?\s*(?:asc|desc|nulls|limit|offset|fetch|$)', key, re.I)
        if word is None or not (word.group(1) in names or word.group(1).isdigit()):
            break
        places.append(int(word.group(1)) - 1 if word.group(1).isdigit() else names.index(word.group(1)))
    return [tuple(row[place] for place in places) for row in rows]


def shown(sql):
    for name, text in TABLES.items():
        sql = sql.replace("(" + text + ")", name)
    return sql


if __name__ == "__main__":
    e2e_test.main()
