#!/usr/bin/env python3
"""Random expressions, seeded, answered by eventd and by PostgreSQL 15; the answers must be equal.

Counted but passed over: what eventd says it does not support (0A000, 42883), and errors that only one
of the two meets over rows.
"""
import argparse
import collections
import math
import os
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import e2e_test
from eventd_server import EventdServer
from fixture import load_into_eventd, load_into_postgres
from pg_client import PgError
from postgres_server import BIN, PostgresServer
from run_sql_tests import SESSION, show_error, show_result

UNSUPPORTED = {"0A000", "42883", "42725"}
DEPTH_MAX = 3

LITERALS = {
    "int": ["0", "1", "-1", "7", "42", "2147483647", "-2147483648", "NULL::int", "100"],
    "bigint": ["0::int8", "9223372036854775807", "5000000000", "-3::int8", "NULL::int8"],
    "numeric": ["0.0", "1.5", "-2.50", "1e10", "3.14159265358979", "NULL::numeric", "0.000001", "'NaN'::numeric",
                "99999999999999999999.9"],
    "float": ["0::float8", "1.5::float8", "-2.25::float8", "1e300::float8", "'NaN'::float8",
              "'Infinity'::float8", "NULL::float8", "1e-5::float8", "123456.789::float8"],
    "text": ["''", "'a'", "'Hello World'", "'naïve'", "NULL::text", "'42'", "'%_%'", "'a,b,,c'", "'  x '"],
    "bool": ["true", "false", "NULL::bool"],
    "timestamptz": ["'2024-02-29 12:34:56.789+00'::timestamptz", "'1999-12-31 23:59:59+00'::timestamptz",
                    "'2000-01-01 00:00:00+00'::timestamptz", "NULL::timestamptz", "'epoch'::timestamptz"],
    "timestamp": ["'2024-02-29 12:34:56'::timestamp", "'1970-01-01'::timestamp", "NULL::timestamp"],
    "date": ["'2024-02-29'::date", "'1900-03-01'::date", "'2023-12-31'::date", "NULL::date"],
    "interval": ["'1 day'::interval", "'-3 hours 15 min'::interval", "'1 mon 2 days'::interval", "'0'::interval",
                 "'1.5 sec'::interval"],
    "jsonb": ["'{\"a\": 1, \"b\": [1, 2, {\"c\": null}], \"d\": \"x\"}'::jsonb", "'[1, \"two\", 3.50, true]'::jsonb",
              "'null'::jsonb", "'\"text\"'::jsonb", "'1.0'::jsonb", "NULL::jsonb", "'{}'::jsonb"],
    "bytea": ["'\\x00ff'::bytea", "''::bytea", "'abc'::bytea"],
    "intarray": ["ARRAY[1, 2, 3]", "ARRAY[]::int[]", "ARRAY[NULL, 1]", "NULL::int[]"],
    "textarray": ["ARRAY['a', 'b']", "ARRAY[NULL, '', 'x,y']::text[]"],
}
ORDERED = ["int", "bigint", "numeric", "float", "text", "timestamptz", "date", "interval", "jsonb", "bool", "timestamp",
           "bytea", "intarray", "textarray"]
# result type → templates; {type} is an argument of that type.
TEMPLATES = {
    "int": ["{int} + {int}", "{int} - {int}", "{int} * {int}", "{int} / {int}", "{int} % {int}", "-({int})", "abs({int})",
            "length({text})", "position({text} IN {text})", "strpos({text}, {text})", "ascii({text})", "octet_length({text})",
            "({bigint})::int", "({numeric})::int", "({float})::int", "({text})::int", "({bool})::int",
            "jsonb_array_length({jsonb})", "array_length({intarray}, 1)", "{int} & {int}", "{int} | {int}", "{int} # {int}",
            "sign({int})::int", "{date} - {date}", "greatest({int}, {int})", "least({int}, {int}, {int})",
            "nullif({int}, {int})", "coalesce({int}, {int})", "CASE WHEN {bool} THEN {int} ELSE {int} END",
            "extract(year FROM {date})::int", "mod({int}, {int})", "({jsonb} ->> 'a')::int", "cardinality({intarray})",
            "{int} << 3", "{int} >> 2", "~({int})", "length({bytea})"],
    "bigint": ["{bigint} + {int}", "{bigint} - {bigint}", "{bigint} * {int}", "{bigint} / {int}", "({numeric})::int8",
               "({float})::int8", "({text})::int8", "abs({bigint})", "{bigint} % {int}"],
    "numeric": ["{numeric} + {numeric}", "{numeric} - {int}", "{numeric} * {numeric}", "{numeric} / {numeric}",
                "round({numeric}, 2)", "round({numeric})", "trunc({numeric}, 1)", "ceil({numeric})", "floor({numeric})",
                "abs({numeric})", "({float})::numeric", "({text})::numeric", "({bigint})::numeric", "{numeric} % {numeric}",
                "extract(epoch FROM {timestamptz})", "extract(second FROM {timestamp})", "extract(epoch FROM {interval})",
                "extract(doy FROM {date})", "extract(week FROM {timestamptz})", "sqrt({numeric})", "sign({numeric})",
                "({jsonb} -> 'a')::numeric", "extract(isoyear FROM {date})", "mod({numeric}, {numeric})", "({numeric})::numeric(12, 3)"],
    "float": ["{float} + {float}", "{float} * {float}", "{float} / {float}", "{float} - {int}", "({numeric})::float8",
              "({int})::float8", "({text})::float8", "sqrt({float})", "floor({float})", "round({float})", "abs({float})",
              "ceil({float})", "trunc({float})", "power({float}, 2)", "exp({float})", "ln({float})", "date_part('hour', {timestamp})",
              "({float})::float4", "degrees({float})", "sin({float})"],
    "text": ["{text} || {text}", "upper({text})", "lower({text})", "substr({text}, {int})", "substr({text}, {int}, 2)",
             "replace({text}, {text}, {text})", "left({text}, 3)", "right({text}, -2)", "lpad({text}, 6, '*')", "rpad({text}, 4)",
             "trim({text})", "reverse({text})", "repeat({text}, 2)", "split_part({text}, ',', 2)", "initcap({text})",
             "concat({text}, {int}, {bool})", "concat_ws('-', {text}, {numeric}, {text})", "({int})::text", "({numeric})::text",
             "({float})::text", "({bool})::text", "({timestamptz})::text", "({interval})::text", "({jsonb})::text", "({date})::text",
             "{jsonb} ->> 'd'", "{jsonb} ->> 1", "{jsonb} #>> '{{b,2}}'", "jsonb_typeof({jsonb})", "md5({text})",
             "to_char({timestamptz}, 'YYYY-MM-DD HH24:MI:SS.US')", "to_char({timestamp}, 'Day, DDth Month YYYY')",
             "coalesce({text}, {text})", "regexp_replace({text}, '[aeiou]+', '#', 'g')", "quote_literal({text})", "quote_ident({text})",
             "translate({text}, 'abl', 'xy')", "overlay({text} PLACING 'ZZ' FROM 2)", "encode({bytea}, 'hex')", "format('%s|%L|%I', {text}, {text}, 'Q')",
             "array_to_string({textarray}, '+', 'N')", "substring({text} FROM '(l+)')", "btrim({text}, ' x')", "CASE {int} WHEN 1 THEN {text} END",
             "({text})::varchar(3)", "({intarray})::text", "({textarray})::text", "chr(64 + {int} % 20)"],
    "bool": ["{int} = {int}", "{int} < {bigint}", "{numeric} >= {int}", "{float} > {float}", "{float} = {numeric}", "{text} = {text}",
             "{text} < {text}", "{text} LIKE {text}", "{text} ILIKE '%L%'", "{text} ~ '^[a-z]+$'", "{bool} AND {bool}", "{bool} OR {bool}",
             "NOT {bool}", "({int}) IS NULL", "{text} IS NOT NULL", "{int} IN ({int}, {int}, 7)", "{int} NOT IN ({int}, {int})",
             "{int} BETWEEN {int} AND {int}", "{numeric} IS DISTINCT FROM {numeric}", "{timestamptz} < {timestamptz}",
             "{date} = {timestamp}", "{interval} < {interval}", "{jsonb} @> '{{\"a\": 1}}'", "{jsonb} = {jsonb}", "{jsonb} < {jsonb}",
             "{jsonb} ? 'a'", "{bool} IS TRUE", "{bool} IS NOT FALSE", "{bool} IS UNKNOWN", "{int} = ANY ({intarray})",
             "{int} <> ALL ({intarray})", "{intarray} = {intarray}", "{intarray} < {intarray}", "starts_with({text}, {text})",
             "({text})::bool", "({int})::bool", "{text} SIMILAR TO '%(a|b)%'", "{numeric} = {float}", "{bool} = {bool}", "{bytea} < {bytea}",
             "{text} NOT LIKE '_%'", "{date} < {timestamptz}"],
    "timestamptz": ["{timestamptz} + {interval}", "{timestamptz} - {interval}", "date_trunc('month', {timestamptz})",
                    "date_trunc('week', {timestamptz})", "date_bin('15 min', {timestamptz}, '2000-01-01 00:00+00')",
                    "{timestamp} AT TIME ZONE 'Europe/Berlin'", "to_timestamp({int})", "({date})::timestamptz", "({timestamp})::timestamptz",
                    "greatest({timestamptz}, {timestamptz})", "date_trunc('day', {timestamptz}, 'Asia/Kolkata')"],
    "timestamp": ["{timestamptz} AT TIME ZONE 'America/New_York'", "{timestamp} + {interval}", "({date})::timestamp", "{date} + {interval}",
                  "date_trunc('hour', {timestamp})", "date_trunc('quarter', {timestamp})", "({timestamptz})::timestamp"],
    "date": ["{date} + {int} % 1000", "({timestamp})::date", "({timestamptz})::date", "{date} - 30"],
    "interval": ["{interval} + {interval}", "{interval} * 2", "{interval} / 3", "{timestamptz} - {timestamptz}", "{timestamp} - {timestamp}",
                 "-({interval})", "age({timestamp}, {timestamp})", "justify_hours({interval})", "justify_interval({interval})", "{interval} * {float}",
                 "date_trunc('hour', {interval})", "make_interval(0, {int} % 100)"],
    "jsonb": ["{jsonb} -> 'b'", "{jsonb} -> 0", "{jsonb} #> '{{b,2,c}}'", "to_jsonb({int})", "to_jsonb(({text})::text)", "to_jsonb({numeric})",
              "jsonb_build_object('k', {int}, 'v', {text})", "jsonb_build_array({numeric}, {bool}, {jsonb})", "{jsonb} - 'a'", "{jsonb} || {jsonb}",
              "to_jsonb({timestamptz})", "to_jsonb({float})", "{jsonb} -> -1", "to_jsonb({intarray})"],
    "bytea": ["({text})::bytea", "{bytea} || {bytea}", "decode(md5({text}), 'hex')", "substr({bytea}, 2)"],
    "intarray": ["{intarray} || {intarray}", "{intarray} || {int}", "ARRAY[{int}, {int}]", "array_append({intarray}, {int})",
                 "array_remove({intarray}, 1)"],
    "textarray": ["string_to_array({text}, ',')", "ARRAY[{text}, {text}]", "regexp_match({text}, '(.)l')"],
}
FIELDS = {  # over the fixture's t.request events
    "int": ["(payload ->> 'n')::int", "(payload ->> 'status')::int", "(payload ->> 'bytes')::int"],
    "numeric": ["(payload ->> 'ms')::numeric"],
    "float": ["(payload ->> 'ms')::float8"],
    "text": ["payload ->> 'host'", "payload ->> 'user'", "payload ->> 'path'", "payload ->> 'nosuch'"],
    "bool": ["(payload ->> 'ok')::bool"],
    "timestamptz": ["(payload ->> 'at')::timestamptz"],
    "jsonb": ["payload -> 'n'", "payload -> 'user'"],
}
AGGREGATES = ["count(*)", "count({text})", "count(DISTINCT {text})", "sum({int})", "avg({int})", "min({text})", "max({text})", "sum({numeric})",
              "avg({numeric})", "min({timestamptz})", "max({int})", "bool_and({bool})", "bool_or({bool})", "sum({bigint})", "max({numeric})",
              "count(*) FILTER (WHERE {bool})", "sum({int}) FILTER (WHERE {bool})", "string_agg(DISTINCT {text}, ',')", "max({interval})"]


class Generator:
    """Statements from one seed. `fields` may stand where literals do."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.fields = {}

    def expression(self, kind, depth=0):
        leaves = self.fields.get(kind, [])
        if depth >= DEPTH_MAX or self.chance.random() < 0.15 * (depth + 1) or kind not in TEMPLATES:
            return self.chance.choice(leaves if leaves and self.chance.random() < 0.7 else LITERALS[kind])
        return "(" + self.fill(self.chance.choice(TEMPLATES[kind]), depth) + ")"

    def fill(self, template, depth=0):
        out, rest = "", template
        while rest:
            at = rest.find("{")
            if at < 0:
                return (out + rest).replace("}}", "}")
            if rest.startswith("{{", at):
                out, rest = out + rest[:at + 1], rest[at + 2:]
                continue
            end = rest.index("}", at)
            out += rest[:at] + self.expression(rest[at + 1:end], depth + 1)
            rest = rest[end + 1:]
        return out.replace("}}", "}")

    def statement(self):
        shape = self.chance.random()
        if shape < 0.5:
            self.fields = {}
            return "SELECT " + self.expression(self.chance.choice(list(TEMPLATES)))
        self.fields = FIELDS
        source = "FROM events WHERE event_type = 't.request'"
        if self.chance.random() < 0.6:
            source += f" AND {self.expression('bool')}"
        if shape < 0.75:
            value = self.expression(self.chance.choice(list(TEMPLATES)), 1)
            order = "ORDER BY (payload ->> 'n')::int" + self.chance.choice(["", " DESC"])
            return f"SELECT {value} {source} {order} LIMIT {self.chance.choice([3, 10, 100])}"
        aggregates = ", ".join(self.fill(self.chance.choice(AGGREGATES), 1) for _ in range(2))
        if shape < 0.85:
            return f"SELECT {aggregates} {source}"
        group = self.expression(self.chance.choice(["text", "int", "bool", "timestamptz", "numeric"]), 1)
        return f"SELECT {group} AS k, {aggregates} {source} GROUP BY 1 ORDER BY 1"


def answer(client, sql):
    try:
        return show_result(client.query(sql)[-1], False)
    except PgError as error:
        # Which of several errors comes first, and where it stands, is nobody's promise.
        return ["ERROR", error.sqlstate, show_error(error)[0]]


def same(expected, got):
    """Equal, or numbers that differ in what the mathematical library leaves open (1e-12)."""
    if expected == got:
        return True
    try:
        return math.isclose(float(expected), float(got), rel_tol=1e-12)
    except ValueError:
        return False


def same_row(expected, got):
    """By columns: of equal keys that look different (1.0, 1.00) either may stand for their group."""
    a, b = expected.split(" | "), got.split(" | ")
    return expected == got or (len(a) == len(b) and all(map(same, a, b)))


def all_same(expected, got):
    return len(expected) == len(got) and all(map(same_row, expected, got))


def judge(sql, expected, got):
    if got[0] == "ERROR" and got[1] in UNSUPPORTED:
        return "not supported"
    errors = (expected[0] == "ERROR") + (got[0] == "ERROR")
    if errors == 2:
        return "error in both"
    # What is evaluated for which rows, and folded before any, is the planner's choice; NULL may hide it.
    if errors == 1 and ("FROM events" in sql or "NULL" in (expected[-1], got[-1])):
        return "error in one"
    return "equal" if all_same(expected, got) else "different"


def compare(options, eventd, postgres):
    counts, differences = collections.Counter(), []
    end = time.monotonic() + options.seconds
    number = 0
    while (number < options.statements) if options.statements else (time.monotonic() < end):
        sql = Generator(f"{options.seed}/{number}").statement()
        number += 1
        expected = answer(postgres, sql)
        got = answer(eventd, sql)
        verdict = judge(sql, expected, got)
        counts[verdict] += 1
        if verdict == "different":
            differences.append((sql, expected, got))
    return counts, differences


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin-dir", default=str(e2e_test.REPOSITORY / "build/dev/bin"))
    # CI asks the same questions every time; the long form asks new ones.
    parser.add_argument("--seed", type=int,
                        default=random.SystemRandom().randrange(2**32) if e2e_test.LONG else 1)
    parser.add_argument("--seconds", type=float, default=600 if e2e_test.LONG else 8)
    parser.add_argument("--statements", type=int, default=0, help="instead of --seconds")
    options = parser.parse_args()
    if not os.access(BIN / "postgres", os.X_OK):
        e2e_test.skip("PostgreSQL 15 is not installed")
    print(f"seed {options.seed}", flush=True)
    with PostgresServer() as reference, EventdServer(options.bin_dir) as server:
        with reference.connect() as postgres, server.connect() as eventd:
            load_into_postgres(postgres)
            load_into_eventd(eventd)
            for statement in SESSION:
                postgres.query(statement)
                eventd.query(statement)
            counts, differences = compare(options, eventd, postgres)
    for sql, expected, got in differences[:40]:
        pairs = [pair for pair in zip(expected, got) if not same_row(*pair)][:3] or [(len(expected), len(got))]
        print(sql, *(f"  PostgreSQL {a}\n  eventd     {b}" for a, b in pairs), sep="\n")
    print(", ".join(f"{what} {count}" for what, count in sorted(counts.items())))
    return 1 if differences or not counts["equal"] else 0


if __name__ == "__main__":
    sys.exit(main())
