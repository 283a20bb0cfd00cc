#!/usr/bin/env python3
"""What a statement and a transaction see while others insert: DESIGN.md §6, as PostgreSQL's isolation levels."""
import pathlib
import struct
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import e2e_test
from eventd_server import EventdServer
from pg_client import PgError, message

ARGUMENTS = e2e_test.arguments()
COUNT = "SELECT count(*) FROM events WHERE event_type = 'snap.row'"


class Writers:
    """Sessions that insert rows of 'snap.row', two a transaction, until stopped."""

    def __init__(self, server, number=3):
        self.ending = False
        self.failure = None
        self.threads = [threading.Thread(target=self.run, args=(server,)) for _ in range(number)]
        for thread in self.threads:
            thread.start()

    def run(self, server):
        try:
            with server.connect() as client:
                while not self.ending:
                    client.query("BEGIN; INSERT INTO events (event_type, payload) VALUES ('snap.row', '{}'), "
                                 "('snap.row', '{}'); COMMIT")
        except Exception as error:  # told by stop()
            self.failure = error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ending = True
        for thread in self.threads:
            thread.join()
        if self.failure:
            raise self.failure


class Snapshots(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = EventdServer(ARGUMENTS.bin_dir, {"storage_shards": 3})
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.start()
        with cls.server.connect() as client:
            client.query("INSERT INTO events (event_type, payload) VALUES ('snap.row', '{}'), ('snap.row', '{}')")
            # by_type has the type once the catalog has read the rows.
            e2e_test.wait_for(lambda: client.value("SELECT value FROM eventd_statistics WHERE name = 'catalog.rows_behind'") == "0",
                              "the catalog knows the type")

    def grows(self, client, before):
        e2e_test.wait_for(lambda: int(client.value(COUNT)) > before, "rows are inserted")

    def test_a_statement_sees_one_moment(self):
        statements = [
            # Both scans, whatever is committed in between.
            "SELECT (SELECT count(*) FROM events WHERE event_type = 'snap.row') - "
            "(SELECT count(*) FROM events WHERE event_type = 'snap.row')",
            "WITH a AS MATERIALIZED (SELECT count(*) n FROM events WHERE event_type = 'snap.row'), "
            "b AS MATERIALIZED (SELECT count(*) n FROM events WHERE event_type = 'snap.row') "
            "SELECT a.n - b.n FROM a, b",
            "SELECT count(*) FROM events a FULL JOIN events b ON a.timestamp_ns = b.timestamp_ns AND "
            "a.cpu_id = b.cpu_id AND a.sequence = b.sequence WHERE a.event_type = 'snap.row' AND b.boot_id IS NULL",
            # Of a transaction of two rows both or none.
            "SELECT count(*) % 2 FROM events WHERE event_type = 'snap.row'",
        ]
        with Writers(self.server), self.server.connect() as client:
            for sql in statements:
                for _ in range(10):
                    try:
                        self.assertEqual(client.value(sql), "0", sql)
                    except PgError as error:
                        if error.sqlstate != "0A000":
                            raise
                        print(f"  not supported: {error.message}")
                        break

    def test_read_committed_sees_what_others_commit(self):
        with Writers(self.server), self.server.connect() as client:
            client.query("BEGIN")
            before = int(client.value(COUNT))
            self.grows(client, before)
            client.query("COMMIT")

    def test_repeatable_read_does_not(self):
        for level in ("REPEATABLE READ", "SERIALIZABLE"):
            with Writers(self.server), self.server.connect() as client, self.server.connect() as other:
                client.query(f"BEGIN ISOLATION LEVEL {level}")
                before = int(client.value(COUNT))
                self.grows(other, before + 10)
                self.assertEqual(int(client.value(COUNT)), before)
                self.assertEqual(int(client.value("SELECT count(*) FROM by_type.\"snap.row\"")), before)
                # Its own rows are seen, and nobody else's.
                client.query("INSERT INTO events (event_type, payload) VALUES ('snap.row', '{\"own\": true}')")
                self.assertEqual(int(client.value(COUNT)), before + 1)
                client.query("ROLLBACK")
                self.assertGreater(int(client.value(COUNT)), before + 10)

    def test_the_snapshot_is_taken_by_the_first_query(self):
        with self.server.connect() as client, self.server.connect() as other:
            client.query("BEGIN ISOLATION LEVEL REPEATABLE READ")
            before = int(other.value(COUNT))
            other.query("INSERT INTO events (event_type, payload) VALUES ('snap.row', '{}'), ('snap.row', '{}')")
            self.assertEqual(int(client.value(COUNT)), before + 2)
            with self.assertRaises(PgError) as raised:
                client.query("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            self.assertEqual(raised.exception.sqlstate, "25001")
            client.query("ROLLBACK")

    def test_a_portal_goes_on_with_its_snapshot(self):
        rows = 6000
        with self.server.connect() as client, self.server.connect() as other:
            client.copy_in("COPY events (event_type, payload) FROM STDIN",
                           "".join('snap.portal\t{}\n' for _ in range(rows)).encode())
            sql = b"SELECT sequence FROM events WHERE event_type = 'snap.portal'"
            client.send(message(b"P", b"\0" + sql + b"\0\0\0") + message(b"B", b"\0\0\0\0\0\0\0\0")
                        + message(b"E", b"\0" + struct.pack("!i", 100)) + message(b"H"))
            got = self.read_until_suspended(client)
            other.query("INSERT INTO events (event_type, payload) VALUES ('snap.portal', '{}')")
            client.send(message(b"E", b"\0" + struct.pack("!i", 0)) + message(b"S"))
            got += sum(len(result.rows) for result in client._read_results())
            self.assertEqual(got, rows)
            self.assertEqual(client.value("SELECT count(*) FROM events WHERE event_type = 'snap.portal'"), str(rows + 1))

    @staticmethod
    def read_until_suspended(client):
        rows = 0
        while True:
            kind, body = client.read_message()
            if kind == b"E":
                raise AssertionError(body)
            if kind == b"D":
                rows += 1
            if kind == b"s":
                return rows

    @unittest.skipUnless(e2e_test.LONG, "takes more than a minute; EVENTD_LONG_TESTS=1")
    def test_a_snapshot_gets_too_old(self):
        with EventdServer(ARGUMENTS.bin_dir, {"max_snapshot_age": "1min"}) as server, server.connect() as client:
            client.query("BEGIN ISOLATION LEVEL REPEATABLE READ")
            client.query("SELECT count(*) FROM events")
            time.sleep(61)
            with self.assertRaises(PgError) as raised:
                client.query("SELECT count(*) FROM events")
            self.assertEqual(raised.exception.sqlstate, "72000")
            client.query("ROLLBACK")
            client.query("SELECT count(*) FROM events")


if __name__ == "__main__":
    e2e_test.main()
