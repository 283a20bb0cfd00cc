#!/usr/bin/env python3
"""300 files of events that nobody writes any more, with max_open_shards 64: every query sees all of
them, and no more than 64 are held open at any moment, also while several clients ask at once."""
import os
import pathlib
import shutil
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import e2e_test
from eventd_server import EventdServer

ARGUMENTS = e2e_test.arguments(files=300)
MAX_OPEN = 64
ROWS = 50
CLIENTS = 8
QUERIES_EACH = 4


def open_databases(pid, folder):
    """File descriptors on shard databases (not their -wal and -shm)."""
    found = 0
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue
        found += target.startswith(str(folder)) and target.endswith(".db")
    return found


class HistoricalShards(unittest.TestCase):
    def make_archive(self, directory):
        """One shard file with ROWS rows of type `old`."""
        directory.mkdir()
        server = EventdServer(ARGUMENTS.bin_dir, {"storage_shards": 1}, directory)
        server.start()
        with server.connect() as client:
            client.copy_in("COPY events (event_type, payload) FROM STDIN", "".join(
                f'old\t{{"n": {n}}}\n' for n in range(ROWS)).encode())
        self.assertEqual(server.stop(), 0, server.log_tail())
        return directory / "events" / "shard-0000.db"

    def test_all_are_queried_and_handles_are_bounded(self):
        with EventdServer(ARGUMENTS.bin_dir, {"storage_shards": 1,
                                              "max_open_shards": MAX_OPEN}) as server:
            server.stop()
            archive = self.make_archive(server.directory / "made")
            events = server.directory / "events"
            for number in range(ARGUMENTS.files):
                shutil.copy(archive, events / f"archive-{number:04}.db")
            server.start()
            self.check(server, events)

    def check(self, server, events):
        pid = server.process.pid
        # On top come the writer's own connection and, for a moment and each thread that reads (scan and
        # I/O threads), what it is closing though its place has been given away, and a descriptor that
        # SQLite keeps while another connection of the process has the same file open.
        threads = 2 * os.cpu_count()
        bound = MAX_OPEN + 1 + 2 * threads
        self.assertLessEqual(open_databases(pid, events), bound, "after the start")
        stop, most, problems = threading.Event(), [0], []

        def watch():
            while not stop.is_set():
                most[0] = max(most[0], open_databases(pid, events))
                stop.wait(0.002)

        def ask():
            try:
                with server.connect(timeout_s=300) as client:
                    client.query("SET statement_timeout = 0")
                    for _ in range(QUERIES_EACH):
                        rows = client.rows("SELECT count(*), sum((payload->>'n')::int8) FROM events "
                                           "WHERE event_type = 'old'")
                        expected = [str(ARGUMENTS.files * ROWS),
                                    str(ARGUMENTS.files * ROWS * (ROWS - 1) // 2)]
                        if rows != [expected]:
                            problems.append(f"{rows} instead of {expected}")
                        last = client.rows("SELECT timestamp FROM events ORDER BY timestamp DESC LIMIT 5")
                        if len(last) != 5:
                            problems.append(f"the last five: {last}")
            except Exception as error:  # pylint: disable=broad-except
                problems.append(repr(error))

        threads = [threading.Thread(target=ask) for _ in range(CLIENTS)]
        watcher = threading.Thread(target=watch)
        for thread in [watcher, *threads]:
            thread.start()
        for thread in threads:
            thread.join()
        stop.set()
        watcher.join()
        self.assertEqual(problems, [])
        self.assertLessEqual(most[0], bound)
        self.assertGreater(most[0], 1, "nothing was watched")
        print(f"{ARGUMENTS.files} files, at most {most[0]} open at once")


if __name__ == "__main__":
    e2e_test.main()
