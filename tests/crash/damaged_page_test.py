#!/usr/bin/env python3
"""Pages of a shard file are overwritten, at rest and while the server runs: a data page, an index page,
the first page. Each time the file is set aside with all that belongs to it, a fresh one takes its place,
rows go on coming in, what is readable of the old one is answered, and a synthetic.storage_error tells
of it; the same after a restart.
"""
import pathlib
import random
import sqlite3
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import e2e_test
from e2e_test import wait_for
from eventd_server import EventdServer
from pg_client import PgError
from sequences import check_unique

ARGUMENTS = e2e_test.arguments()
STATEMENTS, ROWS_EACH = 8, 400
ROWS = STATEMENTS * ROWS_EACH
COPIED = 1000
FILLER = "x" * 700
# A page of 16 kB holds about 20 such rows.
ROWS_OF_A_PAGE_MAX = 40
PAGE_BYTES = 16384


def leaf_pages(path, table_or_index):
    """Numbers of its leaf pages, in order. REQUIRES: no WAL, nobody writes."""
    database = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
    try:
        return [page for page, in database.execute(
            "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY pageno",
            (table_or_index,))]
    finally:
        database.close()


def index_of(path, table):
    database = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
    try:
        return database.execute("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? "
                                "AND sql IS NOT NULL", (table,)).fetchone()[0]
    finally:
        database.close()


def overwrite(path, page, content):
    assert len(content) == PAGE_BYTES
    with open(path, "r+b") as file:
        file.seek((page - 1) * PAGE_BYTES)
        file.write(content)


class DamagedPages(unittest.TestCase):
    def setUp(self):
        self.server = EventdServer(ARGUMENTS.bin_dir, {"storage_shards": 2})
        self.server.__enter__()
        self.addCleanup(self.server.__exit__)
        with self.server.connect() as client:
            for _ in range(STATEMENTS):
                self.insert(client, "kept", ROWS_EACH)
            client.copy_in("COPY events (event_type, payload) FROM STDIN", "".join(
                f"copied\t{{\"n\": {n}}}\n" for n in range(COPIED)).encode())
        # What is in the WAL is checkpointed; a file damaged now has nothing that hides it.
        self.assertEqual(self.server.stop(), 0, self.server.log_tail())

    @property
    def shard(self):
        return self.server.directory / "events" / "shard-0000.db"

    def set_aside(self):
        return [path for path in self.shard.parent.glob("shard-0000.corrupt-*.db")]

    @staticmethod
    def insert(client, event_type, rows):
        client.query("INSERT INTO events (event_type, payload) VALUES " + ", ".join(
            f"('{event_type}', '{{\"n\": {n}, \"filler\": \"{FILLER}\"}}')" for n in range(rows)))

    @staticmethod
    def count(client, event_type):
        return int(client.value(f"SELECT count(*) FROM events WHERE event_type = '{event_type}'"))

    def check(self, kept_min, kept_max, more):
        """The damaged file has been met: now and after a restart the rest is as it should be."""
        wait_for(self.set_aside, "the damaged file is set aside")
        self.assertEqual(len(self.set_aside()), 1)
        with self.server.connect() as client:
            self.insert(client, "after", ROWS_EACH)
            wait_for(lambda: self.count(client, "synthetic.storage_error"), "a synthetic.storage_error")
        counts = []
        for _ in range(2):
            with self.server.connect() as client:
                kept = self.count(client, "kept")
                self.assertGreaterEqual(kept, kept_min)
                self.assertLessEqual(kept, kept_max)
                # Read in order, and with the payloads: the same rows.
                in_order = client.rows("SELECT timestamp, payload->>'n' FROM events "
                                       "WHERE event_type = 'kept' ORDER BY timestamp")
                self.assertEqual(len(in_order), kept)
                counts.append((kept, sorted(row[1] for row in in_order)))
                self.assertEqual(self.count(client, "copied"), COPIED)
                self.assertEqual(self.count(client, "after"), ROWS_EACH + more)
                check_unique(client)
            self.assertEqual(self.server.stop(), 0, self.server.log_tail())
            self.server.start()
        self.assertEqual(counts[0], counts[1])
        self.assertEqual(len(self.set_aside()), 1, "set aside once")

    def test_data_page_at_rest(self):
        pages = leaf_pages(self.shard, "events_0")
        overwrite(self.shard, pages[len(pages) // 2], random.Random(1).randbytes(PAGE_BYTES))
        self.server.start()
        with self.server.connect() as client:
            # Already the query that meets the page answers what can be read.
            self.assertGreaterEqual(self.count(client, "kept"), ROWS - ROWS_OF_A_PAGE_MAX)
        self.check(ROWS - ROWS_OF_A_PAGE_MAX, ROWS - 1, 0)

    def test_index_page_at_rest(self):
        pages = leaf_pages(self.shard, index_of(self.shard, "events_0"))
        overwrite(self.shard, pages[len(pages) // 2], bytes(PAGE_BYTES))
        self.server.start()
        with self.server.connect() as client:
            client.rows("SELECT timestamp FROM events ORDER BY timestamp")
        # The rows themselves are all there.
        self.check(ROWS, ROWS, 0)

    def test_first_page_at_rest(self):
        overwrite(self.shard, 1, random.Random(2).randbytes(PAGE_BYTES))
        self.server.start()
        self.check(0, ROWS, 0)

    def test_data_page_while_rows_come_in(self):
        pages = leaf_pages(self.shard, "events_0")
        self.server.start()
        inserted, refused, stop = [], [], threading.Event()

        def insert_all_the_time():
            with self.server.connect() as client:
                while not stop.is_set():
                    try:
                        self.insert(client, "after", 1)
                        inserted.append(1)
                    except PgError as error:
                        refused.append(error)

        inserter = threading.Thread(target=insert_all_the_time)
        inserter.start()
        try:
            wait_for(lambda: len(inserted) > 20, "rows before the damage")
            overwrite(self.shard, pages[len(pages) // 2], bytes(PAGE_BYTES))
            with self.server.connect() as client:
                self.assertGreaterEqual(self.count(client, "kept"), ROWS - ROWS_OF_A_PAGE_MAX)
            wait_for(self.set_aside, "the damaged file is set aside")
            before = len(inserted)
            wait_for(lambda: len(inserted) > before + 20, "rows after the damage")
        finally:
            stop.set()
            inserter.join()
        self.assertEqual(refused, [], "no row was refused: only old ones can't be read")
        self.check(ROWS - ROWS_OF_A_PAGE_MAX, ROWS - 1, len(inserted))


if __name__ == "__main__":
    e2e_test.main()
