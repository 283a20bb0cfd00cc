"""What query_generator.py fills in: sources, constants and templates by type. `{type}` stands for an expression."""

REQUEST = """(SELECT (payload ->> 'n')::int AS n, payload ->> 'host' AS host, (payload ->> 'status')::int AS status,
 payload ->> 'user' AS usr, (payload ->> 'ms')::numeric AS ms, (payload ->> 'at')::timestamptz AS at,
 (payload ->> 'ok')::bool AS ok FROM events WHERE event_type = 't.request')"""
LOGIN = """(SELECT (payload ->> 'n')::int AS n, payload ->> 'user' AS usr, payload #>> '{session,id}' AS sid,
 (payload -> 'session' ->> 'age')::int8 AS age, (payload ->> 'failed')::bool AS failed
 FROM events WHERE event_type = 't.login')"""
# Times differ between the servers; that they lie around now, and the order of the events, does not.
RECENT = """(SELECT event_type AS kind, payload AS body, payload -> 'n' AS num, row_number() OVER (ORDER BY timestamp) AS place
 FROM events WHERE timestamp BETWEEN now() - interval '1 day' AND now() + interval '1 hour' AND event_type LIKE 't.%')"""
NEWEST = """(SELECT event_type AS kind, (payload ->> 'n')::int AS n, payload ->> 'user' AS usr
 FROM events WHERE timestamp > '2020-01-01' AND event_type >= 't.' AND event_type < 't/' ORDER BY timestamp DESC LIMIT 30)"""
# What stands in FROM, and its columns. All over the fixture's events, VALUES or series.
SOURCES = [
    (REQUEST, {"n": "int", "host": "text", "status": "int", "usr": "text", "ms": "numeric", "at": "timestamptz", "ok": "bool"}),
    (LOGIN, {"n": "int", "usr": "text", "sid": "text", "age": "bigint", "failed": "bool"}),
    ("(SELECT event_type AS kind, length(payload::text) AS size, payload ? 'x' AS has_x FROM events WHERE event_type LIKE 't.%')",
     {"kind": "text", "size": "int", "has_x": "bool"}),
    (RECENT, {"kind": "text", "body": "jsonb", "num": "jsonb", "place": "bigint"}),
    (NEWEST, {"kind": "text", "n": "int", "usr": "text"}),
]
SMALL_SOURCES = [
    ("(VALUES (1, 'anna', 1.5), (2, 'Bert', NULL), (2, 'Bert', NULL), (3, NULL, 2.5), (NULL, 'dora', 0.5), (7, 'web-1', 7.0))",
     {"a": "int", "b": "text", "c": "numeric"}),
    ("(VALUES (200, 'fine'), (404, 'lost'), (500, 'broken'), (NULL, NULL))", {"code": "int", "word": "text"}),
    ("(SELECT g, g % 3 AS m FROM generate_series(0, 12) AS s(g))", {"g": "int", "m": "int"}),
    ("(SELECT i::int8 AS i, '2024-02-28 00:00Z'::timestamptz + i * interval '7 hours' AS t FROM generate_series(0, 9) AS s(i))",
     {"i": "bigint", "t": "timestamptz"}),
    ("(SELECT n, ARRAY[n, n % 2] AS pair, '2024-02-27'::date + n AS d FROM generate_series(0, 4) AS s(n))",
     {"n": "int", "pair": "intarray", "d": "date"}),
    ("(VALUES (ARRAY[1, 2], '{\"n\": 1}'::jsonb), (ARRAY[1, 2], NULL), (NULL, '[1, 2]'), (ARRAY[NULL, 3], '1.0'), ('{}', 'null'))",
     {"pair": "intarray", "body": "jsonb"}),
]
SOURCES += SMALL_SOURCES

CONSTANTS = {
    "int": ["0", "1", "2", "3", "5", "200", "404", "NULL::int"], "bigint": ["0::int8", "2::int8", "15::int8", "NULL::int8"],
    "numeric": ["0.5", "1.5", "20.25", "NULL::numeric"], "text": ["'anna'", "'web-1'", "'x'", "''", "NULL::text"],
    "bool": ["true", "false", "NULL::bool"],
    "timestamptz": ["'2024-02-28 12:00Z'::timestamptz", "'2024-02-29 06:00Z'::timestamptz", "NULL::timestamptz"],
    "date": ["'2024-02-28'::date", "'2024-02-29'::date", "NULL::date"],
    "jsonb": ["'{\"n\": 1}'::jsonb", "'1'::jsonb", "'\"anna\"'::jsonb", "'null'::jsonb", "NULL::jsonb"],
    "intarray": ["ARRAY[1, 2]", "ARRAY[2, NULL, 3]", "'{}'::int[]", "NULL::int[]"],
}
TYPES = ["int", "bigint", "numeric", "text", "bool", "timestamptz"] * 2 + ["date", "jsonb", "intarray"]
EXPRESSIONS = {
    "int": ["{int} + {int}", "{int} - {int}", "coalesce({int}, {int})", "length({text})", "CASE WHEN {bool} THEN {int} ELSE {int} END",
            "nullif({int}, {int})", "greatest({int}, {int})", "abs({int})", "{int} % 7", "cardinality({intarray})", "({intarray})[1]",
            "{date} - {date}", "extract(hour FROM {timestamptz})::int"],
    "bigint": ["{bigint} + {int}", "coalesce({bigint}, {int})", "least({bigint}, {bigint})"],
    "numeric": ["{numeric} + {numeric}", "coalesce({numeric}, 0.25)", "round({numeric}, 1)", "{numeric} * {int}"],
    "text": ["{text} || {text}", "upper({text})", "coalesce({text}, 'none')", "left({text}, 2)", "({int})::text", "concat({text}, '-', {int})",
             "CASE {int} WHEN 2 THEN {text} ELSE 'other' END", "{jsonb} ->> 'host'", "({intarray})::text", "({jsonb})::text",
             "CASE WHEN {bool} THEN {text} WHEN {bool} THEN {text} END"],
    "bool": ["{int} = {int}", "{int} < {bigint}", "{text} = {text}", "{text} LIKE '%e%'", "{bool} AND {bool}", "{bool} OR {bool}", "NOT {bool}",
             "{int} IS NULL", "{text} IS NOT NULL", "{int} IN ({int}, {int}, 3)", "{numeric} > {numeric}", "{timestamptz} < {timestamptz}",
             "{int} BETWEEN {int} AND {int}", "{text} IS DISTINCT FROM {text}", "{bool} IS TRUE", "{int} <> ALL (ARRAY[{int}, 2])",
             "({int}, {text}) = ({int}, {text})", "({int}, {int}) < ({int}, {int})", "{jsonb} = {jsonb}", "{jsonb} ? 'n'",
             "{jsonb} @> '{{\"n\": 1}}'", "{int} = ANY ({intarray})", "{date} <= {timestamptz}", "{int} IN (1, NULL, {int})",
             "{text} NOT IN ('anna', NULL)", "{timestamptz} BETWEEN {timestamptz} AND {timestamptz}", "{intarray} @> ARRAY[{int}]",
             "({int}, {text}) IN ((1, 'anna'), (2, {text}))", "{bool} IS NOT FALSE", "{int} BETWEEN SYMMETRIC {int} AND {int}",
             "{text} IN ('anna', 'Bert', {text})", "{intarray} < {intarray}", "({int}, {numeric}) IS NOT NULL"],
    "timestamptz": ["{timestamptz} + interval '1 day'", "date_trunc('day', {timestamptz})", "coalesce({timestamptz}, {timestamptz})",
                    "({date})::timestamptz"],
    "date": ["({timestamptz})::date", "{date} + 1", "coalesce({date}, {date})"],
    "jsonb": ["to_jsonb({int})", "to_jsonb({text}::text)", "jsonb_build_object('k', {int}, 'v', {text})", "{jsonb} -> 'n'", "coalesce({jsonb}, {jsonb})",
              "jsonb_build_array({numeric}, {bool})"],
    "intarray": ["ARRAY[{int}, {int}]", "{intarray} || {int}", "array_remove({intarray}, 2)", "coalesce({intarray}, {intarray})"],
}
AGGREGATES = [("count(*)", "bigint"), ("count({text})", "bigint"), ("count(DISTINCT {text})", "bigint"), ("sum({int})", "bigint"),
              ("min({text})", "text"), ("max({int})", "int"), ("max({timestamptz})", "timestamptz"), ("bool_or({bool})", "bool"),
              ("sum({numeric})", "numeric"), ("count(*) FILTER (WHERE {bool})", "bigint"), ("min({numeric})", "numeric"),
              ("string_agg({text}, ',' ORDER BY {same})", "text"), ("max({bigint})", "bigint"), ("bool_and({bool})", "bool"),
              ("array_agg({int} ORDER BY {same} DESC)", "intarray"), ("array_agg(DISTINCT {int})", "intarray"), ("avg({int})", "numeric"),
              ("jsonb_agg({jsonb} ORDER BY {same})", "jsonb"), ("sum(DISTINCT {int})", "bigint"), ("max({date})", "date"),
              ("percentile_disc(0.5) WITHIN GROUP (ORDER BY {int})", "int"), ("count(DISTINCT ({int}, {text}))", "bigint"),
              ("max({int}) FILTER (WHERE {bool})", "int"), ("min({intarray})", "intarray"), ("string_agg(DISTINCT {text}, '+')", "text")]
WINDOWS = [("count(*)", "bigint"), ("sum({int})", "bigint"), ("rank()", "bigint"), ("dense_rank()", "bigint"), ("min({int})", "int"),
           ("max({text})", "text"), ("count({text})", "bigint"), ("percent_rank()", "float"), ("cume_dist()", "float"),
           ("max({date})", "date"), ("sum({numeric})", "numeric")]
ROW_WINDOWS = [("row_number()", "bigint"), ("lag({int})", "int"), ("lead({text}, 2, 'none')", "text"), ("first_value({text})", "text"),
               ("last_value({int})", "int"), ("nth_value({text}, 2)", "text"), ("ntile(3)", "int"), ("sum({int})", "bigint"),
               ("avg({int})", "numeric"), ("count(*) FILTER (WHERE {bool})", "bigint"), ("lag({int}, {int} % 3, {int})", "int"),
               ("array_agg({int})", "intarray"), ("first_value({jsonb})", "jsonb"), ("string_agg({text}, '/')", "text")]
BOUNDS = ["UNBOUNDED PRECEDING", "2 PRECEDING", "CURRENT ROW", "1 FOLLOWING", "UNBOUNDED FOLLOWING"]
JOINS = ["JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]
# Of two keys; over one key the second is dropped. Every set of groups keeps its rows apart by what it counts.
GROUPINGS = ["{}", "{}", "{}", "{}", "ROLLUP ({})", "CUBE ({})", "GROUPING SETS (({}), ())", "GROUPING SETS ({}, ())", "DISTINCT ROLLUP ({}), CUBE ({})"]
# Set-returning functions, and their columns.
SERIES = [("generate_series(1, {int} % 4)", {"v": "int"}), ("unnest({intarray}) WITH ORDINALITY", {"v": "int", "o": "bigint"}),
          ("jsonb_array_elements(jsonb_build_array({int}, {text}))", {"v": "jsonb"}),
          ("jsonb_each_text(jsonb_build_object('a', {int}, 'b', {text}))", {"k": "text", "v": "text"}),
          ("ROWS FROM (unnest({intarray}), generate_series(1, 2))", {"v": "int", "w": "int"}),
          ("regexp_split_to_table({text}, '-')", {"v": "text"}),
          ("generate_series({timestamptz}, {same} + interval '1 day', interval '9 hours')", {"t": "timestamptz"})]
TARGET_SERIES = [("generate_series(1, {int} % 4)", "int"), ("unnest({intarray})", "int"), ("unnest(ARRAY[{text}, 'x'])", "text")]
