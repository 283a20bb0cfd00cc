"""What query_generator.py fills in: sources, constants and templates by type. `{type}` stands for an expression."""

REQUEST = """(SELECT (payload ->> 'n')::int AS n, payload ->> 'host' AS host, (payload ->> 'status')::int AS status,
 payload ->> 'user' AS usr, (payload ->> 'ms')::numeric AS ms, (payload ->> 'at')::timestamptz AS at,
 (payload ->> 'ok')::bool AS ok FROM events WHERE event_type = 't.request')"""
LOGIN = """(SELECT (payload ->> 'n')::int AS n, payload ->> 'user' AS usr, payload #>> '{session,id}' AS sid,
 (payload -> 'session' ->> 'age')::int8 AS age, (payload ->> 'failed')::bool AS failed, (payload ->> 'ip')::inet AS ip
 FROM events WHERE event_type = 't.login')"""
# Times differ between the servers; that they lie around now, and the order of the events, does not.
RECENT = """(SELECT event_type AS kind, payload AS body, payload -> 'n' AS num, row_number() OVER (ORDER BY timestamp) AS place
 FROM events WHERE timestamp BETWEEN now() - interval '1 day' AND now() + interval '1 hour' AND event_type LIKE 't.%')"""
NEWEST = """(SELECT event_type AS kind, (payload ->> 'n')::int AS n, payload ->> 'user' AS usr
 FROM events WHERE timestamp > '2020-01-01' AND event_type >= 't.' AND event_type < 't/' ORDER BY timestamp DESC LIMIT 30)"""
# What stands in FROM, and its columns. All over the fixture's events, VALUES or series.
SOURCES = [
    (REQUEST, {"n": "int", "host": "text", "status": "int", "usr": "text", "ms": "numeric", "at": "timestamptz", "ok": "bool"}),
    (LOGIN, {"n": "int", "usr": "text", "sid": "text", "age": "bigint", "failed": "bool", "ip": "inet"}),
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
    ("(VALUES (0.5::float8, interval '1 day', ARRAY['anna', 'x']), (-1.25, '10 hours', '{}'), (NULL, NULL, ARRAY[NULL, 'web-1']), (3, '-1 hour', NULL))",
     {"f": "float", "span": "interval", "words": "textarray"}),
    ("(SELECT * FROM jsonb_to_recordset('[{\"a\": 1, \"b\": \"anna\"}, {\"a\": null, \"b\": \"x\"}, {\"b\": null}]') AS j(a int, b text))",
     {"a": "int", "b": "text"}),
    ("(VALUES ('NaN'::float8, 'NaN'::numeric, 1::int2), ('Infinity', 'Infinity', -3), ('-Infinity', 1.00, NULL), (NULL, 0, 7), ('-0', NULL, 7))",
     {"f": "float", "x": "numeric", "s": "smallint"}),
    ("(SELECT '2024-02-28 23:00'::timestamp + g * interval '40 minutes' AS at, md5(g::text)::uuid AS u, g::int2 AS s FROM generate_series(0, 5) AS s(g))",
     {"at": "timestamp", "u": "uuid", "s": "smallint"}),
]
# Enough events for several workers; both servers get them before the first query.
BULK_EVENTS = """INSERT INTO events (event_type, payload) SELECT 'bulk.' || g % 3, jsonb_build_object('n', g % 997, 'host', 'host-' || g % 23,
 'ms', (g * 37 % 1000)::numeric / 8, 'at', '2024-02-27Z'::timestamptz + g * interval '1 minute') || CASE WHEN g % 5 <> 0 THEN
 jsonb_build_object('user', 'user ' || g % 13) ELSE '{}' END FROM generate_series(1, 12000) AS s(g)"""
# More rows than one batch has; few of them in a query.
LARGE_SOURCES = [
    ("(SELECT event_type AS kind, (payload ->> 'n')::int AS n, payload ->> 'host' AS host, payload ->> 'user' AS usr,"
     " (payload ->> 'ms')::numeric AS ms FROM events WHERE event_type LIKE 'bulk.%' AND payload ->> 'host' IN ('host-3', 'host-7', 'web-1'))",
     {"kind": "text", "n": "int", "host": "text", "usr": "text", "ms": "numeric"}),
    ("(SELECT payload ->> 'host' AS host, date_trunc('day', (payload ->> 'at')::timestamptz) AS at, count(*) AS c, sum((payload ->> 'ms')::numeric) AS ms,"
     " count(DISTINCT payload ->> 'user')::int AS n FROM events WHERE event_type IN ('bulk.1', 'bulk.2') GROUP BY 1, 2)",
     {"host": "text", "at": "timestamptz", "c": "bigint", "ms": "numeric", "n": "int"}),
    ("(SELECT (payload ->> 'at')::timestamptz AS at, payload AS body, (payload ->> 'n')::int8 AS n FROM events"
     " WHERE event_type = 'bulk.0' AND (payload ->> 'ms')::numeric > 90)", {"at": "timestamptz", "body": "jsonb", "n": "bigint"}),
    ("(SELECT g AS n, (g * 7919 % 1009)::int8 AS k, 'host-' || g % 37 AS host, (g % 101)::numeric / 4 AS ms FROM generate_series(1, 3000) AS s(g))",
     {"n": "int", "k": "bigint", "host": "text", "ms": "numeric"}),
    ("(SELECT g % 50 AS n, CASE WHEN g % 11 <> 0 THEN 'user ' || g % 13 END AS usr, '2024-02-28'::timestamptz + g * interval '7 minutes' AS at"
     " FROM generate_series(1, 2500) AS s(g))", {"n": "int", "usr": "text", "at": "timestamptz"}),
]
SOURCES += SMALL_SOURCES + [
    ("(SELECT event_type AS kind, payload AS body FROM events WHERE event_type LIKE 't.%')", {"kind": "text", "body": "jsonb"}),
    ("(SELECT payload AS body, (payload ->> 'n')::int AS n FROM events WHERE event_type IN ('t.request', 't.login'))", {"body": "jsonb", "n": "int"}),
    ("(SELECT event_type AS kind, payload AS body, timestamp > now() - interval '6 hours' AS fresh FROM events"
     " WHERE event_type = ANY ('{t.login,t.odd}') AND timestamp <= now() + interval '1 hour' OR event_type LIKE 't.sc%')",
     {"kind": "text", "body": "jsonb", "fresh": "bool"}),
    ("(SELECT event_type AS kind, payload ->> 'host' AS host, (payload ->> 'bytes')::int8 AS bytes FROM events"
     " WHERE event_type ~ '^t[.](request|scalar)$' AND NOT (event_type <> 't.request'))", {"kind": "text", "host": "text", "bytes": "bigint"}),
    ("(SELECT e.event_type AS kind, (e.payload ->> 'n')::int AS n, tag FROM events AS e, LATERAL jsonb_array_elements_text(e.payload -> 'tags') AS tag"
     " WHERE e.event_type = 't.login')", {"kind": "text", "n": "int", "tag": "text"}),
    ("(SELECT payload ->> 'host' AS host, count(*) AS c, max((payload ->> 'ms')::numeric) AS top, min(payload ->> 'user') AS usr FROM events"
     " WHERE event_type = 't.request' GROUP BY payload ->> 'host')", {"host": "text", "c": "bigint", "top": "numeric", "usr": "text"}),
]

CONSTANTS = {
    "int": ["0", "1", "2", "3", "5", "200", "404", "NULL::int"], "bigint": ["0::int8", "2::int8", "15::int8", "NULL::int8"],
    "numeric": ["0.5", "1.5", "20.25", "NULL::numeric"], "text": ["'anna'", "'web-1'", "'x'", "''", "NULL::text", "'t.login'", "'t.request'"],
    "bool": ["true", "false", "NULL::bool"],
    "timestamptz": ["'2024-02-28 12:00Z'::timestamptz", "'2024-02-29 06:00Z'::timestamptz", "NULL::timestamptz"],
    "date": ["'2024-02-28'::date", "'2024-02-29'::date", "NULL::date"],
    "jsonb": ["'{\"n\": 1}'::jsonb", "'1'::jsonb", "'\"anna\"'::jsonb", "'null'::jsonb", "NULL::jsonb"],
    "intarray": ["ARRAY[1, 2]", "ARRAY[2, NULL, 3]", "'{}'::int[]", "NULL::int[]"],
    "textarray": ["ARRAY['anna', NULL]", "ARRAY['x', 'web-1']", "'{}'::text[]", "NULL::text[]"],
    "interval": ["interval '1 day 12:00'", "interval '-1 hour'", "interval '1 mon'", "NULL::interval"],
    "float": ["0.5::float8", "-2.25::float8", "1e3::float8", "NULL::float8", "'NaN'::float8"],
    "smallint": ["3::int2", "-1::int2", "NULL::int2"], "timestamp": ["'2024-02-29 00:20'::timestamp", "NULL::timestamp"],
    "uuid": ["'cfcd2084-95d5-65ef-66e7-dff9f98764da'::uuid", "NULL::uuid"], "inet": ["'10.0.1.5'::inet", "'10.0.0.0/22'::inet", "NULL::inet"],
    "bytea": ["'\\x00ff'::bytea", "''::bytea", "NULL::bytea"],
}
# Literals that get their type from the other arms of a set operation or the left side of IN.
UNTYPED = {"int": ["NULL", "'7'"], "text": ["NULL", "'anna'"], "timestamptz": ["NULL", "'2024-02-28 12:00Z'"], "jsonb": ["NULL", "'{}'"],
           "numeric": ["NULL", "'0.5'", "1"], "date": ["NULL", "'2024-02-28'"]}
TYPES = (["int", "bigint", "numeric", "text", "bool", "timestamptz"] * 4 + ["date", "jsonb", "intarray", "textarray", "interval", "float"] * 2
         + ["smallint", "timestamp", "uuid", "inet", "bytea"])
# Those min() has.
ORDERED = {"int", "bigint", "numeric", "text", "timestamptz", "date", "interval", "float", "intarray", "textarray", "smallint", "timestamp", "inet"}
EXPRESSIONS = {
    "int": ["{int} + {int}", "{int} - {int}", "coalesce({int}, {int})", "length({text})", "CASE WHEN {bool} THEN {int} ELSE {int} END",
            "nullif({int}, {int})", "greatest({int}, {int})", "abs({int})", "{int} % 7", "cardinality({intarray})", "({intarray})[1]",
            "{date} - {date}", "extract(hour FROM {timestamptz})::int", "extract(dow FROM {date})::int", "position('n' IN {text})",
            "array_position({intarray}, {int})", "array_length({intarray}, 1)", "{int} & {int}", "{int} | 4", "sign(nullif({numeric}, 'NaN'))::int",
            "jsonb_array_length(CASE WHEN jsonb_typeof({jsonb}) = 'array' THEN {same} END)", "extract(day FROM {interval})::int",
            "date_part('minute', {timestamptz})::int", "num_nulls({int}, {text})", "ascii({text})", "CASE WHEN abs({float}) < 1e6 THEN floor({same})::int END",
            "array_ndims({textarray})", "CASE {text} WHEN 'anna' THEN {int} WHEN {text} THEN {int} END", "({bool})::int", "{smallint} + {int}", "family({inet})", "octet_length({bytea})", "({int}) % 5 * {smallint}",
            "extract(hour FROM {timestamp})::int", "length(({text})::bpchar)"],
    "bigint": ["{bigint} + {int}", "coalesce({bigint}, {int})", "least({bigint}, {bigint})", "{bigint} % 5", "abs({bigint})",
               "extract(epoch FROM date_trunc('hour', {timestamptz}))::int8", "CASE WHEN abs({numeric}) < 1e9 THEN ({same})::int8 END", "{smallint} + {bigint}"],
    "numeric": ["{numeric} + {numeric}", "coalesce({numeric}, 0.25)", "round({numeric}, 1)", "{numeric} * {int}", "trunc({numeric}, 1)",
                "{numeric} / nullif({int}, 0)", "extract(epoch FROM {interval})", "({float})::numeric", "mod({numeric}, 1.5)", "-({numeric})",
                "greatest({numeric}, {int}, {bigint})", "CASE WHEN {bool} THEN {numeric} ELSE {int} END"],
    # Sums of halves and quarters are exact in every order.
    "float": ["({int})::float8", "{float} * 0.5", "{float} + {float}", "coalesce({float}, {int})", "abs({float})", "greatest({float}, {float})"],
    "text": ["{text} || {text}", "upper({text})", "coalesce({text}, 'none')", "left({text}, 2)", "({int})::text", "concat({text}, '-', {int})",
             "CASE {int} WHEN 2 THEN {text} ELSE 'other' END", "{jsonb} ->> 'host'", "({intarray})::text", "({jsonb})::text",
             "CASE WHEN {bool} THEN {text} WHEN {bool} THEN {text} END", "substr({text}, 2, 3)", "replace({text}, 'a', {text})",
             "split_part({text}, '-', 1)", "to_char({timestamptz}, 'YYYY-MM-DD HH24:MI Dy')", "regexp_replace({text}, '[aeiou]', '#', 'g')",
             "lpad({text}, 5, '.')", "initcap({text})", "reverse({text})", "format('%s/%L', {text}, {int})", "({interval})::text",
             "({timestamptz})::text", "({date})::text", "array_to_string({textarray}, '+', '-')", "({textarray})[1]", "jsonb_typeof({jsonb})",
             "{jsonb} #>> '{{session,id}}'", "{jsonb} ->> 'user'", "{jsonb} ->> 'status'", "translate({text}, 'abn', 'xy')", "md5({text})",
             "concat_ws('/', {text}, {int}, {bool})", "({bool})::text", "greatest({text}, {text})", "quote_nullable({text})", "ROW({int}, {text})::text",
             "trim({text})", "substring({text} FROM '[a-z]+')", "({text})::varchar(3)", "to_char({date}, 'DD Mon')", "host({inet})", "({uuid})::text", "encode({bytea}, 'hex')", "({timestamp})::text"],
    "bool": ["{int} = {int}", "{int} < {bigint}", "{text} = {text}", "{text} LIKE '%e%'", "{bool} AND {bool}", "{bool} OR {bool}", "NOT {bool}",
             "{int} IS NULL", "{text} IS NOT NULL", "{int} IN ({int}, {int}, 3)", "{numeric} > {numeric}", "{timestamptz} < {timestamptz}",
             "{int} BETWEEN {int} AND {int}", "{text} IS DISTINCT FROM {text}", "{bool} IS TRUE", "{int} <> ALL (ARRAY[{int}, 2])",
             "({int}, {text}) = ({int}, {text})", "({int}, {int}) < ({int}, {int})", "{jsonb} = {jsonb}", "{jsonb} ? 'n'",
             "{jsonb} @> '{{\"n\": 1}}'", "{int} = ANY ({intarray})", "{date} <= {timestamptz}", "{int} IN (1, NULL, {int})",
             "{text} NOT IN ('anna', NULL)", "{timestamptz} BETWEEN {timestamptz} AND {timestamptz}", "{intarray} @> ARRAY[{int}]",
             "({int}, {text}) IN ((1, 'anna'), (2, {text}))", "{bool} IS NOT FALSE", "{int} BETWEEN SYMMETRIC {int} AND {int}",
             "{text} IN ('anna', 'Bert', {text})", "{intarray} < {intarray}", "({int}, {numeric}) IS NOT NULL", "{text} ILIKE '%B%'", "{text} ~ '^[a-d]'", "{text} SIMILAR TO '(a|w)%'",
             "{int} > ANY ({intarray} || 7)", "{text} = ANY (coalesce({textarray}, ARRAY['x']))", "{textarray} && {textarray}", "{intarray} <@ {intarray}", "{interval} < {interval}",
             "{timestamptz} < {date} + {interval}", "({timestamptz}, {timestamptz}) OVERLAPS ({timestamptz}, {interval})",
             "ROW({int}, {text}) IS DISTINCT FROM ROW({int}, {text})", "({int}, {text}, {numeric}) IS NULL", "{jsonb} ?| ARRAY['n', {text}]",
             "{jsonb} ?& '{{n,k}}'", "{jsonb} @? '$.n'", "{jsonb} @@ '$.n > 0'", "{jsonb} <@ {jsonb}", "{jsonb} @> {jsonb}", "{float} < {numeric}",
             "{float} = {int}", "{int} NOT IN ({int}, NULL)", "{bool} IS UNKNOWN", "starts_with({text}, {text})", "{jsonb} < {jsonb}", "{text} >= {text}",
             "{bool} <> {bool}", "{date} BETWEEN {date} AND {date}", "{bigint} = {numeric}", "({int}, {int}) >= ({int}, {bigint})", "{text} NOT LIKE 'w_b%'",
             "{jsonb} ->> 'user' = {text}", "{jsonb} ->> 'status' IN ('200', '404')", "({jsonb} ->> 'n') = ({int})::text", "{jsonb} -> 'n' = '3'",
             "jsonb_typeof({jsonb} -> 'x') = 'number'", "({text}, {int}, {date}) > ({text}, {int}, {date})", "{bool} IS NOT UNKNOWN",
             "CASE WHEN {bool} THEN {bool} ELSE {bool} END", "{timestamptz} >= {timestamptz} AND {same} < {timestamptz}", "{text} <= ALL (array_remove({textarray}, 'x'))",
             "{intarray} = {intarray}", "{text} IS NOT DISTINCT FROM {text}", "{int} NOT BETWEEN {int} AND {int}", "{smallint} = {bigint}",
             "{timestamp} < {timestamptz}", "{timestamp} >= {date}", "{uuid} = {uuid}", "{uuid} < {uuid}", "{inet} << {inet}", "{inet} <= {inet}",
             "{bytea} < {bytea}", "{smallint} IN (1, {int}, {bigint})", "{float} = 'NaN'", "{numeric} <> 'NaN'", "starts_with({text}, left({text}, 2))",
             "ROW({date}, {text}) < ROW({timestamp}, {text})", "{int} = ANY (ARRAY[{int}, {smallint}])", "{bool} IN ({bool}, {bool})",
             "({text}, {int}) IN (VALUES ('anna', 1), ('x', {int}))", "{numeric} BETWEEN SYMMETRIC {numeric} AND {int}", "{text} !~ '^(web|db)-[0-9]$'",
             "coalesce({bool}, {bool}, false)", "nullif({bool}, {bool})", "{int} IS DISTINCT FROM {bigint}"],
    "timestamptz": ["{timestamptz} + interval '1 day'", "date_trunc('day', {timestamptz})", "coalesce({timestamptz}, {timestamptz})",
                    "({date})::timestamptz", "{timestamptz} - {interval}", "{timestamptz} + {interval}", "({date} + {interval})::timestamptz",
                    "date_bin('6 hours', {timestamptz}, '2024-01-01Z')", "date_trunc('hour', {timestamptz})", "greatest({timestamptz}, {timestamptz})",
                    "{timestamptz} AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin'", "date_trunc('week', {timestamptz}, 'Asia/Kolkata')"],
    "smallint": ["({int} % 100)::int2", "coalesce({smallint}, {smallint})", "-({smallint})"],
    "timestamp": ["({timestamptz})::timestamp", "{timestamp} + {interval}", "date_trunc('hour', {timestamp})", "{date} + interval '3 hours'",
                  "{timestamptz} AT TIME ZONE 'America/New_York'", "coalesce({timestamp}, {date})"],
    "uuid": ["md5({text})::uuid", "coalesce({uuid}, {uuid})"],
    "inet": ["set_masklen({inet}, 24)", "coalesce({inet}, {inet})", "network({inet})::inet", "{inet} + 3"],
    "bytea": ["convert_to({text}, 'UTF8')", "decode(md5({text}), 'hex')", "{bytea} || {bytea}", "substr({bytea}, 2)"],
    # Justified, for equal intervals may look different: which one stands for a group is nobody's promise.
    "interval": ["justify_interval({timestamptz} - {timestamptz})", "justify_interval({interval} + {interval})",
                 "justify_interval({interval} * ({int} % 5))", "justify_interval(age({timestamptz}, {timestamptz}))", "justify_interval(-({interval}))",
                 "coalesce({interval}, {interval})", "justify_interval(make_interval(hours => {int} % 50))", "least({interval}, {interval})",
                 "justify_interval(date_trunc('hour', {interval}))"],
    "date": ["({timestamptz})::date", "{date} + 1", "coalesce({date}, {date})", "{date} - 7", "date_trunc('month', {date})::date", "least({date}, {date})",
             "({date} + {interval})::date"],
    "jsonb": ["to_jsonb({int})", "to_jsonb({text}::text)", "jsonb_build_object('k', {int}, 'v', {text})", "{jsonb} -> 'n'", "coalesce({jsonb}, {jsonb})",
              "jsonb_build_array({numeric}, {bool})", "{jsonb} || {jsonb}", "{jsonb} #> '{{session,age}}'", "jsonb_strip_nulls({jsonb})",
              "jsonb_path_query_first({jsonb}, '$.*')", "CASE WHEN jsonb_typeof({jsonb}) = 'object' THEN jsonb_set({same}, '{{n}}', '5') END",
              "CASE WHEN jsonb_typeof({jsonb}) IN ('object', 'array') THEN {same} - 'n' END", "to_jsonb({intarray})", "to_jsonb({timestamptz})",
              "jsonb_build_object(coalesce({text}, ''), {jsonb})", "to_jsonb({float})", "to_jsonb({inet})", "to_jsonb({interval})", "jsonb_build_array({timestamp}, {uuid})", "to_jsonb(ROW({int}, {text}))", "jsonb_object(ARRAY['a', {text}])",
              "array_to_json({textarray})::jsonb", "{jsonb} -> 'session'", "{jsonb} -> 1", "jsonb_path_query_array({jsonb}, '$.** ? (@.type() == \"number\")')"],
    "intarray": ["ARRAY[{int}, {int}]", "{intarray} || {int}", "array_remove({intarray}, 2)", "coalesce({intarray}, {intarray})",
                 "({intarray})[1:2]", "array_append({intarray}, {int})", "array_prepend({int}, {intarray})", "array_replace({intarray}, 2, {int})",
                 "{intarray} || {intarray}", "array_positions({intarray}, {int})"],
    "textarray": ["ARRAY[{text}, {text}]", "string_to_array({text}, '-')", "array_append({textarray}, ({text})::text)", "array_remove({textarray}, 'anna')",
                  "coalesce({textarray}, {textarray})", "array_cat({textarray}, {textarray})", "regexp_match({text}, '([a-z]+)-([0-9])')",
                  "({textarray})[2:]"],
}
AGGREGATES = [("count(*)", "bigint"), ("count({text})", "bigint"), ("count(DISTINCT {text})", "bigint"), ("sum({int})", "bigint"),
              ("min({text})", "text"), ("max({int})", "int"), ("max({timestamptz})", "timestamptz"), ("bool_or({bool})", "bool"),
              ("sum({numeric})", "numeric"), ("count(*) FILTER (WHERE {bool})", "bigint"), ("min({numeric})", "numeric"),
              ("string_agg({text}, ',' ORDER BY {same})", "text"), ("max({bigint})", "bigint"), ("bool_and({bool})", "bool"),
              ("array_agg({int} ORDER BY {same} DESC)", "intarray"), ("array_agg(DISTINCT {int})", "intarray"), ("avg({int})", "numeric"),
              ("jsonb_agg({jsonb} ORDER BY {same})", "jsonb"), ("sum(DISTINCT {int})", "bigint"), ("max({date})", "date"),
              ("percentile_disc(0.5) WITHIN GROUP (ORDER BY {int})", "int"), ("count(DISTINCT ({int}, ({text})::text))", "bigint"),
              ("max({int}) FILTER (WHERE {bool})", "int"), ("min({intarray})", "intarray"), ("string_agg(DISTINCT {text}, '+')", "text"),
              ("sum({float})", "float"), ("avg({float})", "float"), ("count(DISTINCT {jsonb})", "bigint"), ("max({float})", "float"),
              ("array_agg(DISTINCT {int} ORDER BY {same} DESC NULLS LAST)", "intarray"), ("string_agg(DISTINCT ({text})::text, '-' ORDER BY ({same})::text DESC)", "text"),
              ("array_agg(({text})::text ORDER BY length({same}), ({same})::text)", "textarray"), ("array_agg({int} ORDER BY {same}) FILTER (WHERE {bool})", "intarray"),
              ("sum({numeric}) FILTER (WHERE {bool})", "numeric"), ("count(DISTINCT {int}) FILTER (WHERE {bool})", "bigint"),
              ("avg(DISTINCT {numeric})", "numeric"), ("percentile_cont(0.25) WITHIN GROUP (ORDER BY {int})", "float"),
              ("percentile_cont(0.5) WITHIN GROUP (ORDER BY {interval})", "exact"), ("mode() WITHIN GROUP (ORDER BY ({text})::text)", "text"), ("max({smallint})", "smallint"), ("min({timestamp})", "timestamp"),
              ("max({inet})", "inet"), ("sum({smallint})", "bigint"), ("count(DISTINCT {bytea})", "bigint"),
              ("jsonb_agg(ROW({int}, {text}) ORDER BY {int}) FILTER (WHERE false)", "jsonb"), ("count(DISTINCT {timestamp})", "bigint"),
              ("count(DISTINCT {uuid}) FILTER (WHERE {bool})", "bigint"), ("dense_rank(2, 'x') WITHIN GROUP (ORDER BY {int}, {text})", "bigint"),
              ("rank(2) WITHIN GROUP (ORDER BY {int})", "bigint"), ("cume_dist('b') WITHIN GROUP (ORDER BY {text} DESC)", "exact"),
              ("percentile_disc(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY ({text})::text DESC)", "textarray"), ("variance({int})", "numeric"),
              ("stddev_pop({bigint})", "numeric"), ("bit_or({int})", "int"), ("bit_and({int})", "int"), ("every({bool})", "bool"),
              ("min({interval})", "interval"), ("justify_interval(sum({interval}))", "interval"), ("justify_interval(avg({interval}))", "interval"),
              ("jsonb_object_agg(coalesce({text}, '-'), {int} ORDER BY {same})", "jsonb"), ("jsonb_agg({int} ORDER BY {same} NULLS FIRST)", "jsonb"),
              ("min({date})", "date"), ("regr_count({int}, {int})", "bigint"), ("round(corr({int}, {int})::numeric, 6)", "numeric"),
              ("round(regr_slope({int}, {bigint})::numeric, 6)", "numeric"), ("coalesce(sum({int}), 0)", "bigint"), ("max({textarray})", "textarray"),
              ("string_agg({text}, '' ORDER BY {same} DESC NULLS LAST)", "text"), ("count(*) FILTER (WHERE {bool}) + count({int})", "bigint"),
              ("count(DISTINCT {intarray})", "bigint"), ("sum(DISTINCT {numeric}) FILTER (WHERE {bool})", "numeric"), ("avg({bigint})", "numeric")]
WINDOWS = [("count(*)", "bigint"), ("sum({int})", "bigint"), ("rank()", "bigint"), ("dense_rank()", "bigint"), ("min({int})", "int"),
           ("max({text})", "text"), ("count({text})", "bigint"), ("percent_rank()", "float"), ("cume_dist()", "float"),
           ("max({date})", "date"), ("sum({numeric})", "numeric"), ("sum({float})", "float"), ("avg({numeric})", "numeric"), ("bool_or({bool})", "bool"),
           ("count(*) FILTER (WHERE {bool})", "bigint"), ("max({timestamptz})", "timestamptz"), ("variance({int})", "numeric"),
           ("max({bigint})", "bigint"), ("min({interval})", "interval"), ("bit_or({int})", "int"), ("regr_count({int}, {float})", "bigint")]
ROW_WINDOWS = [("row_number()", "bigint"), ("lag({int})", "int"), ("lead(({text})::text, 2, 'none')", "text"), ("first_value(({text})::text)", "text"),
               ("last_value({int})", "int"), ("nth_value(({text})::text, 2)", "text"), ("ntile(3)", "int"), ("sum({int})", "bigint"),
               ("avg({int})", "numeric"), ("count(*) FILTER (WHERE {bool})", "bigint"), ("lag({int}, {int} % 3, {int})", "int"),
               ("array_agg({int})", "intarray"), ("first_value({jsonb})", "jsonb"), ("string_agg({text}, '/')", "text"), ("first_value({int})", "int"), ("nth_value({int}, 3)", "int"), ("last_value(({text})::text)", "text"),
               ("jsonb_agg({int})", "jsonb"), ("sum({float})", "float"), ("ntile(1 + abs({int}) % 4)", "int"), ("lead({int}, -1)", "int"),
               ("count({text})", "bigint"), ("min({text})", "text"), ("sum({numeric}) FILTER (WHERE {bool})", "numeric"), ("max({int})", "int"),
               ("lag({timestamptz})", "timestamptz"), ("bool_and({bool})", "bool"), ("stddev({int})", "numeric"), ("array_agg(({text})::text) FILTER (WHERE {bool})", "textarray")]
BOUNDS = ["UNBOUNDED PRECEDING", "1 + 2 PRECEDING", "1 PRECEDING", "CURRENT ROW", "0 FOLLOWING", "2 FOLLOWING", "UNBOUNDED FOLLOWING"]
LIMITS = ["", " LIMIT 5", " LIMIT 3 OFFSET 2", " OFFSET 4", " FETCH FIRST 4 ROWS WITH TIES", " LIMIT (SELECT 3)", " LIMIT NULL OFFSET 1",
          " OFFSET (SELECT count(*) FROM (VALUES (1), (2)) AS s)", " OFFSET 1 ROW FETCH NEXT 2 ROWS ONLY", " LIMIT 2 + 2", " LIMIT 0"]
JOINS = ["JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]
# Of two keys; over one key the second is dropped. Every set of groups keeps its rows apart by what it counts.
GROUPINGS = ["{}", "{}", "{}", "{}", "ROLLUP ({})", "CUBE ({})", "GROUPING SETS (({}), ())", "GROUPING SETS ({}, ())", "DISTINCT ROLLUP ({}), CUBE ({})",
             "ROLLUP ({}), CUBE ({})"]
# Set-returning functions, and their columns.
SERIES = [("generate_series(1, {int} % 4)", {"v": "int"}), ("unnest({intarray}) WITH ORDINALITY", {"v": "int", "o": "bigint"}),
          ("jsonb_array_elements(jsonb_build_array({int}, {text}))", {"v": "jsonb"}),
          ("jsonb_each_text(jsonb_build_object('a', {int}, 'b', {text}))", {"k": "text", "v": "text"}),
          ("ROWS FROM (unnest({intarray}), generate_series(1, 2))", {"v": "int", "w": "int"}),
          ("regexp_split_to_table({text}, '-')", {"v": "text"}),
          ("generate_series({timestamptz}, {same} + interval '1 day', interval '9 hours')", {"t": "timestamptz"}),
          ("unnest({textarray})", {"v": "text"}), ("jsonb_path_query({jsonb}, '$.*')", {"v": "jsonb"}),
          ("string_to_table({text}, '-')", {"v": "text"}), ("jsonb_object_keys(CASE WHEN jsonb_typeof({jsonb}) = 'object' THEN {same} END)", {"k": "text"}),
          ("unnest({intarray}, {textarray})", {"i": "int", "v": "text"}),
          ("jsonb_array_elements(CASE WHEN jsonb_typeof({jsonb}) = 'array' THEN {same} END)", {"v": "jsonb"}),
          ("regexp_matches({text}, '([a-z])[a-z]?', 'g')", {"v": "textarray"}), ("generate_subscripts({intarray}, 1)", {"i": "int"}),
          ("jsonb_array_elements_text(jsonb_build_array({text}, {bool})) WITH ORDINALITY", {"v": "text", "o": "bigint"})]
TARGET_SERIES = [("generate_series(1, {int} % 4)", "int"), ("unnest({intarray})", "int"), ("unnest(ARRAY[{text}, 'x'])", "text"),
                 ("jsonb_path_query({jsonb}, '$.*')", "jsonb"), ("generate_series({int} % 3, 2) + 1", "int"), ("upper(string_to_table({text}, '-'))", "text")]
