#!/usr/bin/env python3
"""A cursor stays open for minutes while 50,000 events a second are stored: it gives just the rows of its
snapshot, and no WAL grows past wal_size_limit by more than a batch or so."""
import pathlib
import struct
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import e2e_test
from eventd_server import EventdServer
from pg_client import PgError, message, parse_fields

ARGUMENTS = e2e_test.arguments(seconds=600.0 if e2e_test.LONG else 6.0, rate=50000, flood="")
ROWS = 200_000
WAL_LIMIT_MB = 16
# One batch of 10,000 events with its index pages, and what readers may hold up for a moment.
WAL_SLACK_MB = 32


class Portal:
    """A portal of `sql` in an open transaction, read in pieces."""

    def __init__(self, client, sql):
        self.client = client
        client.query("BEGIN")
        client.send(message(b"P", b"\0" + sql.encode() + b"\0\0\0") +
                    message(b"B", b"slow\0\0" + struct.pack("!hhh", 0, 0, 0)) + message(b"S"))
        self._until_ready()

    def fetch(self, rows):
        """(rows that came, whether more may follow)"""
        self.client.send(message(b"E", b"slow\0" + struct.pack("!i", rows)) + message(b"S"))
        return self._until_ready()

    def _until_ready(self):
        rows, more = 0, False
        while True:
            kind, body = self.client.read_message()
            if kind == b"D":
                rows += 1
            elif kind == b"s":
                more = True
            elif kind == b"E":
                raise PgError(parse_fields(body))
            elif kind == b"Z":
                return rows, more


class LongCursor(unittest.TestCase):
    def test_wal_stays_bounded(self):
        settings = {"storage_shards": 2, "wal_size_limit": f"{WAL_LIMIT_MB}MB", "statement_timeout": 0,
                    "max_emit_rate_per_process": 1000000}
        with EventdServer(ARGUMENTS.bin_dir, settings) as server:
            with server.connect(timeout_s=300) as client:
                client.copy_in("COPY events (event_type, payload) FROM STDIN", b"".join(
                    b'before\t{"n": %d}\n' % n for n in range(ROWS)))
            self.run_cursor(server)

    def run_cursor(self, server):
        program = ARGUMENTS.flood or pathlib.Path(ARGUMENTS.bin_dir) / "kmes_flood"
        flood = subprocess.Popen([str(program), str(server.event_socket), "during", "0", "1000000000",
                                  "256", str(ARGUMENTS.rate)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        self.addCleanup(flood.wait)
        self.addCleanup(flood.kill)
        stop, largest = threading.Event(), {}

        def watch():
            while not stop.is_set():
                for wal in (server.directory / "events").glob("*.db-wal"):
                    largest[wal.name] = max(largest.get(wal.name, 0), wal.stat().st_size)
                stop.wait(0.05)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            read = self.read_slowly(server)
        finally:
            stop.set()
            watcher.join()
        self.assertEqual(read, ROWS)
        with server.connect(timeout_s=300) as client:
            during = int(client.value("SELECT count(*) FROM events WHERE event_type = 'during'"))
        self.assertGreater(during, 0, "nothing was stored meanwhile")
        megabytes = {name: size >> 20 for name, size in largest.items()}
        print(f"{during} events stored meanwhile ({during / ARGUMENTS.seconds:.0f}/s); "
              f"largest WAL, MB: {megabytes}")
        self.assertLessEqual(max(megabytes.values()), WAL_LIMIT_MB + WAL_SLACK_MB)

    @staticmethod
    def read_slowly(server):
        """All rows of the snapshot, evenly over the test's duration."""
        pieces = 100
        started, read, more = time.monotonic(), 0, True
        with server.connect(timeout_s=300) as client:
            portal = Portal(client, "SELECT event_type, payload FROM events WHERE event_type = 'before'")
            piece = 0
            while more:
                rows, more = portal.fetch(ROWS // pieces)
                read += rows
                piece += 1
                pause = started + ARGUMENTS.seconds * piece / pieces - time.monotonic()
                if more and pause > 0:
                    time.sleep(pause)
        return read


if __name__ == "__main__":
    e2e_test.main()
