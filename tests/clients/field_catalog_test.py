#!/usr/bin/env python3
"""The field catalog follows what is stored: relations of by_type, prepared statements, restarts."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import e2e_test
from eventd_server import EventdServer
from pg_client import TYPE_NAMES, PgError, message

ARGUMENTS = e2e_test.arguments()
BEHIND = "SELECT value FROM eventd_statistics WHERE name = 'catalog.rows_behind'"


def statistic(client, name):
    return float(client.value(f"SELECT value FROM eventd_statistics WHERE name = '{name}'"))


def insert(client, event_type, *payloads):
    client.query("INSERT INTO events (event_type, payload) VALUES "
                 + ", ".join(f"('{event_type}', '{payload}')" for payload in payloads))
    e2e_test.wait_for(lambda: statistic(client, "catalog.rows_behind") == 0, "the catalog knows all events")


class FieldCatalog(unittest.TestCase):
    def setUp(self):
        self.server = EventdServer(ARGUMENTS.bin_dir)
        self.addCleanup(self.server.__exit__)
        self.server.start()
        self.client = self.server.connect()
        self.addCleanup(self.client.close)

    def columns(self, sql, client=None):
        result = (client or self.client).query(sql)[-1]
        return {name: TYPE_NAMES.get(oid, oid) for name, oid in result.columns}

    def fails(self, sqlstate, sql):
        with self.assertRaises(PgError) as raised:
            self.client.query(sql)
        self.assertEqual(raised.exception.sqlstate, sqlstate, raised.exception.fields)

    def test_columns_come_and_widen(self):
        self.fails("42P01", 'SELECT * FROM by_type."f.one"')
        insert(self.client, "f.one", '{"a": 1, "b": "x"}')
        got = self.columns('SELECT * FROM by_type."f.one"')
        self.assertEqual((got["a"], got["b"]), ("int8", "text"))
        insert(self.client, "f.one", '{"a": 1.5, "c": true, "d": {"e": [1]}}')
        got = self.columns('SELECT * FROM by_type."f.one"')
        self.assertEqual([got[name] for name in ("a", "b", "c", "d", "d.e")], ["float8", "text", "bool", "jsonb", "jsonb"])
        self.assertEqual(list(got)[-5:], ["a", "b", "c", "d", "d.e"], "new columns are the last ones")
        insert(self.client, "f.one", '{"a": "text"}')
        self.assertEqual(self.columns('SELECT a FROM by_type."f.one"'), {"a": "text"})
        self.assertEqual(sorted(row[0] for row in self.client.rows('SELECT a FROM by_type."f.one"')), ["1", "1.5", "text"])

    def test_a_prepared_statement_keeps_its_columns_or_fails(self):
        insert(self.client, "f.two", '{"a": 1}')
        self.client.query('PREPARE whole AS SELECT a FROM by_type."f.two"')
        self.client.query('PREPARE star AS SELECT * FROM by_type."f.two"')
        self.client.query("PREPARE eql AS EVENTS f.two SELECT a")
        insert(self.client, "f.two", '{"b": 1}')
        self.assertEqual(len(self.client.rows("EXECUTE whole")), 2)
        self.assertEqual(len(self.client.rows("EXECUTE eql")), 2)
        with self.assertRaises(PgError) as raised:
            self.client.query("EXECUTE star")
        self.assertEqual((raised.exception.sqlstate, raised.exception.message),
                         ("0A000", "cached plan must not change result type"))
        insert(self.client, "f.two", '{"a": "x"}')
        self.fails("0A000", "EXECUTE whole")
        self.fails("0A000", "EXECUTE eql")

    def test_what_does_not_fit_is_null_and_counted(self):
        insert(self.client, "f.three", '{"a": 1}')
        before = statistic(self.client, "catalog.values_not_fitting")
        # Bound under the types of before.
        self.client.query("BEGIN")
        self.client.query("INSERT INTO events (event_type, payload) VALUES ('f.three', '{\"a\": \"text\"}')")
        self.assertEqual(sorted(self.client.rows('SELECT a FROM by_type."f.three"'), key=str), [["1"], [None]])
        self.client.query("ROLLBACK")
        self.assertEqual(statistic(self.client, "catalog.values_not_fitting"), before + 1)

    def test_predicates_and_projections_reach_the_scan(self):
        insert(self.client, "f.four", *(f'{{"a": {n}, "b": "x{n}"}}' for n in range(50)))
        insert(self.client, "f.five", *(f'{{"a": {n}, "b": "x{n}"}}' for n in range(50)))

        def plan(sql):
            return "\n".join(row[0] for row in self.client.rows("EXPLAIN (ANALYZE, VERBOSE) " + sql))

        text = plan('SELECT a FROM by_type."f.four" WHERE b = \'x7\'')
        self.assertRegex(text, "(?s)Scan.*events")
        print(text)
        self.assertIn("f.four", text)
        self.assertRegex(text, r"actual .*rows=1 ")

    def test_it_is_kept_and_made_anew(self):
        insert(self.client, "f.six", '{"a": 1}', '{"a": 2}')
        counts = "SELECT path, type, seen FROM event_fields WHERE event_type = 'f.six'"
        self.assertEqual(self.client.rows(counts), [["a", "int", "2"]])
        self.client.close()
        self.assertEqual(self.server.stop(), 0)
        self.server.start()
        with self.server.connect() as client:
            e2e_test.wait_for(lambda: statistic(client, "catalog.rows_behind") == 0, "all is known")
            self.assertEqual(client.rows(counts), [["a", "int", "2"]], "nothing is counted twice")
        self.server.kill()
        meta = self.server.directory / "events/eventd-meta.db"
        meta.write_bytes(b"nonsense " * 1000)
        self.server.start()
        with self.server.connect() as client:
            e2e_test.wait_for(lambda: statistic(client, "catalog.rows_behind") == 0, "all is known again")
            self.assertEqual(client.rows(counts), [["a", "int", "2"]])
            self.assertEqual(client.rows('SELECT a FROM by_type."f.six" ORDER BY a'), [["1"], ["2"]])
        self.assertEqual(self.server.stop(), 0)

    def test_the_plan_cache_is_used_and_ended_by_a_generation(self):
        insert(self.client, "f.seven", '{"a": 1}')
        sql = 'SELECT a FROM by_type."f.seven" WHERE a >= 1'
        for _ in range(3):
            self.client.query(sql)
        before = statistic(self.client, "plan_cache_hits")
        self.client.query(sql)
        self.assertGreater(statistic(self.client, "plan_cache_hits"), before)
        insert(self.client, "f.seven", '{"a": 1.5}')
        self.assertEqual(self.columns(sql), {"a": "float8"})
        with self.server.connect() as other:
            hits = statistic(other, "plan_cache_hits")
            for _ in range(4):
                self.assertEqual(self.columns(sql, other), {"a": "float8"})
            self.assertGreater(statistic(other, "plan_cache_hits"), hits)
        self.client.query("ALTER SYSTEM SET plan_cache_entries = 0")
        self.client.query("SELECT pg_reload_conf()")
        e2e_test.wait_for(lambda: statistic(self.client, "plan_cache_entries") == 0, "the setting applies")
        self.assertEqual(self.columns(sql), {"a": "float8"})


if __name__ == "__main__":
    e2e_test.main()
