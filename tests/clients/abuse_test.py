#!/usr/bin/env python3
"""Statements meant to bring the server down: each is answered, or refused with a clear SQLSTATE, in
bounded memory; SELECT 1 is answered afterwards. Under AddressSanitizer the server runs on 1 MB stacks.

Without EVENTD_LONG_TESTS=1 those are left out that take seconds (LONG), and the timeout is shorter.
"""
import pathlib
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import e2e_test
from eventd_server import EventdServer
from pg_client import PgError

ARGUMENTS = e2e_test.arguments()
QUERY_MEMORY_MB = 256
# Above what the server has at rest, query_memory and all: what is on its way between operators, and what
# malloc keeps; a sanitizer keeps what was freed (its quarantine) on top.
GROWTH_MB = 600
TOO_COMPLEX = ("54000", "54001", "54011", "54023")
ENDED = ("57014",)
MEMORY = ("53200", "54000")
FORMS = 10_000
# They take seconds, or the timeout's time.
LONG = {
    "needs too much memory: array_agg", "needs too much memory: groups", "needs too much memory: sort",
    "needs too much memory: doubling", "3 GB of values in parts", "3 GB of values as conditions",
    "endless recursion", "series of everything", "100,000 ORs", "1 MB of sum", "1 MB of statements",
    "BETWEEN x 30", "10,000 UNION ALLs", "10,000 UNION ALLs of events", "100,000 VALUES", "10,000 ANDs",
    "an array of 100,000,000 elements in a text", "3 GB of columns", "3 GB of values in small batches", "numeric of 100,000 digits", "CTEs doubling",
}

# (name, statement, expected: "answer", or the SQLSTATEs it may be refused with; both = either is right)
STATEMENTS = [
    ("needs too much memory: array_agg", "SELECT length(array_agg(md5(i::text))::text) FROM generate_series(1, 20000000) i", MEMORY + ENDED),
    ("needs too much memory: string_agg", "SELECT length(string_agg(repeat('x', 1000), ',')) FROM generate_series(1, 5000000) i", MEMORY + ENDED),
    ("needs too much memory: groups", "SELECT count(*) FROM (SELECT i, max(repeat('x', 300) || i) FROM generate_series(1, 3000000) i GROUP BY i) x", ("answer",) + MEMORY + ENDED),
    ("needs too much memory: sort", "SELECT i FROM (SELECT repeat('x', 300) || md5(i::text) i FROM generate_series(1, 2000000) i ORDER BY 1) x LIMIT 1 OFFSET 1999999", ("answer",) + MEMORY + ENDED),
    ("needs too much memory: repeat", "SELECT repeat(repeat('x', 1000000), 100000)", MEMORY),
    ("needs too much memory: doubling", "WITH RECURSIVE r(s) AS (SELECT 'x'::text UNION ALL SELECT s || s FROM r WHERE length(s) < 2000000000) SELECT max(length(s)) FROM r", MEMORY + ENDED),
    ("a value beyond query_buffer", "SELECT length(repeat('x', 300000000))", ("53200",)),
    ("3 GB of values in parts", "SELECT sum(length(repeat('x', 1000000) || i)) FROM generate_series(1, 3000) i", ("answer",)),
    ("3 GB of values in small batches", "SELECT max(s) FROM (SELECT repeat('x', 1000000) || i AS s FROM generate_series(1, 3000) i OFFSET 1) x", ("answer",)),
    ("3 GB of values as conditions", "SELECT count(*) FROM generate_series(1, 3000) i WHERE repeat('x', 1000000) || i LIKE '%7'", ("answer",)),
    ("3 GB of columns", "SELECT " + ", ".join(f"repeat('x', 15000 + i) || {n}" for n in range(100)) + " FROM generate_series(1, 2000) i OFFSET 1999", ("answer",)),
    ("1.2 GB of arguments", "SELECT length(concat(" + ", ".join(f"repeat('x', 10000 + i + {n})" for n in range(60)) + ")) FROM generate_series(1, 2000) i OFFSET 1999", ("answer",)),
    ("large values of a row, one after the other", "SELECT " + ", ".join(f"length(repeat('x', 20000000 + {n} * i::int) || i)" for n in range(14)) + " FROM generate_series(1, 1) i", ("answer",)),
    ("large values of a row at once", "SELECT " + ", ".join(f"repeat('x', 50000000 + {n} * i::int)" for n in range(20)) + " FROM generate_series(1, 1) i OFFSET 1", ("53200",)),
    ("an array of 100,000,000 elements in a text", "SELECT cardinality(('{' || repeat('a,', 50000000) || 'a}')::text[])", ("53200",)),
    ("8,000,000 items of a path", "SELECT count(*) FROM (SELECT jsonb_path_query(('[' || repeat('1,', 8000000) || '1]')::jsonb, '$[*] ? (@ > 3)')) x", ("53200",)),
    ("50,000,000 pieces", "SELECT count(*) FROM (SELECT regexp_split_to_table(repeat('a,', 50000000), ',') LIMIT 3) x", ("answer",)),
    ("cross join of everything", "SELECT count(*) FROM events a, events b, events c, events d, events e, events f WHERE a.payload->>'n' < f.payload->>'n'", ENDED + ("53200",)),
    ("endless recursion", "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT * FROM r ORDER BY 1 LIMIT 1", ENDED + MEMORY),
    ("regex bomb", "SELECT repeat('a', 5000) ~ '((((a?){30}){30}){30}){30}b'", ("2201B",)),
    ("regex bomb, backtracking", "SELECT repeat('a', 50000) || '!' ~ '^(a|aa|a*)*$'", ("answer",)),
    ("LIKE bomb", "SELECT repeat('a', 100000) LIKE " + "'" + "%a" * 20000 + "b'", ("answer",)),
    ("IN of 10,000", "SELECT count(*) FROM events WHERE sequence IN (" + ",".join(map(str, range(FORMS))) + ")", ("answer",)),
    ("IN of 10,000 texts", "SELECT count(*) FROM events WHERE payload->>'n' IN (" + ",".join(f"'{n}'" for n in range(FORMS)) + ")", ("answer",)),
    ("10,000 ORs", "SELECT count(*) FROM events WHERE " + " OR ".join(f"sequence = {n}" for n in range(FORMS)), ("answer",)),
    ("10,000 ANDs", "SELECT count(*) FROM events WHERE " + " AND ".join(f"sequence <> {n}" for n in range(FORMS)), ("answer",)),
    ("100,000 ORs", "SELECT count(*) FROM events WHERE " + " OR ".join(f"sequence={n}" for n in range(100_000)), ("answer",) + TOO_COMPLEX),
    ("NOT x 100,000", "SELECT " + "NOT " * 100_000 + "true", ("answer",) + TOO_COMPLEX),
    ("minus x 100,000", "SELECT " + "- " * 100_000 + "1", ("answer",) + TOO_COMPLEX),
    ("1 MB of sum", "SELECT " + "+".join(["1"] * 500_000), ("answer",) + TOO_COMPLEX),
    ("1 MB of text", "SELECT length('" + "x" * 1_000_000 + "')", ("answer",)),
    ("1 MB of names", "SELECT " + ",".join(f"1 AS n{n}" for n in range(90_000)), TOO_COMPLEX),
    ("1 MB of statements", "SELECT 1;" * 100_000, ("answer",)),
    ("1 MB of blanks and comments", " /* x */ " * 110_000 + "SELECT 1", ("answer",)),
    ("parentheses x 100,000", "SELECT " + "(" * 100_000 + "1" + ")" * 100_000, ("answer",) + TOO_COMPLEX),
    ("brackets x 50,000", "SELECT " + "ARRAY[" * 50_000 + "1" + "]" * 50_000, ("answer",) + TOO_COMPLEX),
    ("casts x 100,000", "SELECT 1" + "::int" * 100_000, ("answer",) + TOO_COMPLEX),
    ("CASE x 10,000", "SELECT " + "CASE WHEN true THEN " * FORMS + "1" + " END" * FORMS, ("answer",) + TOO_COMPLEX),
    ("BETWEEN x 30", "SELECT " + "(" * 30 + "1" + " BETWEEN 0 AND 2)::int" * 30, TOO_COMPLEX),
    ("calls x 10,000", "SELECT " + "abs(" * FORMS + "1" + ")" * FORMS, ("answer",) + TOO_COMPLEX),
    ("subqueries x 500", "SELECT * FROM " + "(SELECT * FROM " * 500 + "(SELECT 1) x" + ") x" * 500, ("answer",) + TOO_COMPLEX),
    ("subqueries x 20,000", "SELECT * FROM " + "(SELECT * FROM " * 20_000 + "(SELECT 1) x" + ") x" * 20_000, TOO_COMPLEX),
    ("scalar subqueries x 5,000", "SELECT " + "(SELECT " * 5000 + "1" + ")" * 5000, ("answer",) + TOO_COMPLEX),
    ("EXISTS x 300", "SELECT 1 " + "WHERE EXISTS (SELECT 1 " * 300 + ")" * 300, ("answer",) + TOO_COMPLEX),
    ("CTEs x 2,000", "WITH c0 AS (SELECT 1 i)" + "".join(f", c{n} AS (SELECT i FROM c{n - 1})" for n in range(1, 2000)) + " SELECT * FROM c1999", ("answer",) + TOO_COMPLEX),
    ("CTEs doubling", "WITH c0 AS (SELECT 1 i)" + "".join(f", c{n} AS (SELECT a.i FROM c{n - 1} a, c{n - 1} b)" for n in range(1, 60)) + " SELECT count(*) FROM c59", ("answer",) + TOO_COMPLEX),
    ("10,000 UNION ALLs", " UNION ALL ".join(["SELECT 1"] * FORMS), ("answer",) + TOO_COMPLEX),
    ("5,000 UNIONs", " UNION ".join(["SELECT 1"] * 5000), ("answer",) + TOO_COMPLEX),
    ("2,000 EXCEPTs", " EXCEPT ".join(["SELECT 1"] * 2000), ("answer",) + TOO_COMPLEX),
    ("10,000 UNION ALLs of events", "SELECT count(*) FROM (" + " UNION ALL ".join(["SELECT sequence FROM events"] * FORMS) + ") x", ("answer",) + TOO_COMPLEX),
    ("1,600 columns", "SELECT " + ",".join(f"{n} AS c{n}" for n in range(1600)), ("answer",)),
    ("1,665 columns", "SELECT " + ",".join(f"{n} AS c{n}" for n in range(1665)), ("54011",)),
    ("1,000 tables joined", "SELECT count(*) FROM " + ", ".join(f"(SELECT {n} AS i) t{n}" for n in range(1000)), ("answer",) + TOO_COMPLEX),
    ("1,000 events joined", "SELECT count(*) FROM " + ", ".join(f"events t{n}" for n in range(1000)), ("answer",) + TOO_COMPLEX),
    ("1,000 JOINs", "SELECT count(*) FROM (SELECT 1 AS i) t0 " + " ".join(f"JOIN (SELECT 1 AS i) t{n} USING (i)" for n in range(1, 1000)), ("answer",) + TOO_COMPLEX),
    ("10,000 ORDER BYs", "SELECT 1 ORDER BY " + ",".join(["1"] * FORMS), ("answer",) + TOO_COMPLEX),
    ("CUBE of 20", "SELECT count(*) FROM events GROUP BY CUBE (" + ",".join(f"sequence + {n}" for n in range(20)) + ")", ("54011",)),
    ("100,000 VALUES", "VALUES " + ",".join(f"({n})" for n in range(100_000)), ("answer",)),
    ("JSON x 100,000 deep", "SELECT ('" + "[" * 100_000 + "]" * 100_000 + "')::jsonb", ("54001",)),
    ("a name of 100,000", "SELECT 1 AS " + "x" * 100_000, ("answer",)),
    ("numeric of 100,000 digits", "SELECT length((('1' || repeat('0', 100000))::numeric * 3)::text)", ("answer",)),
    ("power", "SELECT 2::numeric ^ 1000000000", ("22003",)),
    ("series of everything", "SELECT count(*) FROM generate_series(-9223372036854775808, 9223372036854775807)", ENDED),
    ("EQL: 10,000 IN", "EVENTS WHERE n IN (" + ",".join(map(str, range(FORMS))) + ") COUNT BY n", ("answer",)),
    ("EQL: 10,000 ORs", "EVENTS WHERE " + " OR ".join(f"n == {n}" for n in range(FORMS)) + " COUNT BY n", ("answer",)),
    ("EQL: parentheses x 100,000", "EVENTS WHERE " + "(" * 100_000 + "n == 1" + ")" * 100_000, TOO_COMPLEX),
    ("EQL: a path of 10,000", "EVENTS SELECT " + ".".join(["x"] * FORMS), ("42601",)),
    ("EQL: a pattern of stars", "EVENTS " + "*a" * 5000 + "b COUNT BY event_type", ("answer",)),
]


def memory_mb(pid, what):
    """VmRSS (now) or VmHWM (the most so far) of a process."""
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith(what + ":"):
                return int(line.split()[1]) // 1024
    return 0


def has_sanitizer(binary):
    return b"__asan_init" in subprocess.run(["nm", "-D", str(binary)], capture_output=True).stdout


class Abuse(unittest.TestCase):
    def test_every_statement_is_answered_or_refused(self):
        sanitizer = has_sanitizer(pathlib.Path(ARGUMENTS.bin_dir) / "eventd")
        # Statements that are to be answered get time for it where everything is many times slower.
        timeout_s = 5 if e2e_test.LONG else 2
        settings = {"query_memory": f"{QUERY_MEMORY_MB}MB", "query_buffer": "128MB", "temp_file_limit": "1GB"}
        with EventdServer(ARGUMENTS.bin_dir, settings) as server:
            with server.connect() as client:
                client.copy_in("COPY events (event_type, payload) FROM STDIN",
                               "".join(f'abuse.row\t{{"n": {n}}}\n' for n in range(5000)).encode())
            pid = server.process.pid
            at_rest, before = memory_mb(pid, "VmRSS"), 0
            for name, sql, expected in STATEMENTS:
                if name in LONG and not e2e_test.LONG:
                    continue
                with self.subTest(name):
                    started = time.monotonic()
                    seconds = timeout_s if "57014" in expected else 120
                    with server.connect(timeout_s=300) as client:
                        client.query(f"SET statement_timeout = '{seconds}s'")
                        try:
                            client.query(sql)
                            outcome = "answer"
                        except PgError as error:
                            outcome = error.sqlstate
                    took = time.monotonic() - started
                    with server.connect() as client:
                        self.assertEqual(client.value("SELECT 1"), "1")
                    most = memory_mb(pid, "VmHWM")
                    print(f"  {name}: {outcome}, {took * 1000:.0f} ms" + (f", memory up to {most} MB" if most > before else ""), flush=True)
                    before = most
                    self.assertIn(outcome, expected)
                    self.assertLess(took, seconds + 20)
            print(f"memory at rest {at_rest} MB, at most {before} MB", flush=True)
            self.assertLess(before, at_rest + QUERY_MEMORY_MB + GROWTH_MB * (3 if sanitizer else 1))
            self.assertEqual(server.stop(), 0, server.log_tail())


if __name__ == "__main__":
    e2e_test.main()
