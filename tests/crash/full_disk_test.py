#!/usr/bin/env python3
"""The server on a file system that is really full (a small tmpfs), under INSERT, COPY and ring load.

Clients are told 53100; the server lives and answers; when there is space again, rows go in without
anybody's doing. What was acknowledged is stored, once; what the rings lost is told by gap records; a
restart in the middle of it and one afterwards find everything.
"""
import contextlib
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import e2e_test
from e2e_test import wait_for
from eventd_server import EventdServer, ServerFailed
from pg_client import PgError
from sequences import SequenceChecker, check_unique

ARGUMENTS = e2e_test.arguments(rounds=5 if e2e_test.LONG else 1, megabytes=32)
BALLAST_BYTES = 6 << 20  # one for each time that space is made
ROW = "x" * 1000


class SmallFileSystem:
    """A tmpfs of `megabytes`, unmounted at the end."""

    def __init__(self, megabytes):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="full-"))
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "eventd-full-disk",
                               self.path], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.path.rmdir()
            e2e_test.skip(f"a tmpfs can't be mounted here: {done.stderr.strip()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", self.path], check=True)
        self.path.rmdir()

    def add_ballast(self):
        for number in (1, 2):
            (self.path / f"ballast.{number}").write_bytes(bytes(BALLAST_BYTES))

    def fill(self):
        """Takes all that is left."""
        with open(self.path / "rest", "ab", buffering=0) as file:
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(4096))

    def free(self, number):
        for name in ("rest", f"ballast.{number}"):
            (self.path / name).unlink()


class Book:
    """What was acknowledged and what was refused."""

    def __init__(self):
        self.acknowledged = {}  # name → rows
        self.refused = {}
        self.codes = set()
        self.step = 0

    def run(self, rows, work):
        """Counts one statement of `rows` rows called `name`; True when it was acknowledged."""
        self.step += 1
        name = f"full.{self.step}"
        try:
            work(name)
        except PgError as error:
            self.refused[name] = rows
            self.codes.add(error.sqlstate)
            return False
        self.acknowledged[name] = rows
        return True

    def insert(self, client, rows=1):
        values = ", ".join(["('{0}', '{{\"x\": \"" + ROW + "\"}}')"] * rows)
        return self.run(rows, lambda name: client.query(
            "INSERT INTO events (event_type, payload) VALUES " + values.format(name)))

    def copy(self, client, rows):
        return self.run(rows, lambda name: client.copy_in(
            "COPY events (event_type, payload) FROM STDIN",
            "".join(f'{name}\t{{"x": "{ROW}"}}\n' for _ in range(rows)).encode()))

    def check(self, client):
        stored = {name: int(count) for name, count in client.rows(
            "SELECT event_type, count(*) FROM events WHERE event_type LIKE 'full.%' GROUP BY 1")}
        for name, rows in self.acknowledged.items():
            assert stored.get(name) == rows, f"{name}: {rows} acknowledged, {stored.get(name)} stored"
        for name, rows in self.refused.items():
            assert stored.get(name, 0) in (0, rows), f"{name}: {stored[name]} of {rows} rows"


def flood(server, name):
    return subprocess.Popen([pathlib.Path(ARGUMENTS.bin_dir) / "kmes_flood", server.event_socket, name, "1",
                             "1000000000", "50"],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def end(process):
    """The flood ends with its server, or here."""
    process.terminate()
    process.communicate()


def fill_disk(disk, server, book):
    """Clients and rings fill what there is; then every statement is refused, and reading works."""
    with server.connect() as client:
        acknowledged = 0
        while book.copy(client, 500):
            acknowledged += 500
        disk.fill()
        # What has been checkpointed leaves room in the WAL for a while.
        wait_for(lambda: not book.insert(client, 50), "a refused INSERT")
        for _ in range(3):
            book.insert(client)
        before = int(client.value("SELECT count(*) FROM events WHERE event_type LIKE 'full.%'"))
        assert before >= acknowledged, "acknowledged rows can't be read while the disk is full"
    assert book.codes == {"53100"}, f"clients were told {book.codes}"
    assert server.running


class ServerLoggingElsewhere(EventdServer):
    """Its log must not need the full disk."""

    @property
    def log_path(self):
        return self.directory.parent.with_suffix(".log")


def fill_and_free(disk, server, book):
    """Full, then space again: without a restart rows go in, and gaps are told."""
    emitter = flood(server, "ring.before")
    try:
        fill_disk(disk, server, book)
        disk.free(1)
        with server.connect() as client:
            wait_for(lambda: book.insert(client), "an acknowledged INSERT")
            wait_for(lambda: int(client.value(
                "SELECT count(*) FROM events WHERE event_type = 'synthetic.gap'")), "a gap record")
    finally:
        end(emitter)
    with server.connect() as client:
        book.check(client)
        check_unique(client)


def fill_and_kill(disk, server, book):
    """Full, then killed: a start on a full disk works or says why not; with space it works."""
    emitter = flood(server, "ring.after")
    try:
        fill_disk(disk, server, book)
    finally:
        server.kill()
        end(emitter)
    try:
        server.start()
        server.kill()
    except ServerFailed as error:
        assert "full" in str(error) or "No space left" in str(error), f"not the reason: {error}"
    disk.free(2)
    server.start()
    with server.connect() as client:
        wait_for(lambda: book.insert(client), "an acknowledged INSERT after the restart")


def check_restarted(server, book):
    checker = SequenceChecker()
    for _ in range(2):
        with server.connect() as client:
            book.check(client)
            checker.check(client)
            check_unique(client)
        assert server.stop() == 0, server.log_tail()
        server.start()
    with server.connect() as client:
        return [int(client.value(f"SELECT count(*) FROM events WHERE event_type = 'synthetic.{name}'"))
                for name in ("gap", "storage_error")]


def run_round(number):
    with SmallFileSystem(ARGUMENTS.megabytes) as disk:
        disk.add_ballast()
        data = disk.path / "data"
        data.mkdir()
        server = ServerLoggingElsewhere(
            ARGUMENTS.bin_dir,
            {"storage_shards": 2, "ring_capacity": "64kB", "wal_size_limit": "4MB"}, data)
        book = Book()
        try:
            server.start()
            fill_and_free(disk, server, book)
            fill_and_kill(disk, server, book)
            gaps, errors = check_restarted(server, book)
        except BaseException:
            print(server.log_tail(), flush=True)
            raise
        finally:
            server.kill()
            server.log_path.unlink(missing_ok=True)
        print(f"round {number}: {sum(book.acknowledged.values())} rows acknowledged, "
              f"{len(book.refused)} statements refused, {gaps} gap records, {errors} storage errors "
              "told", flush=True)


def main():
    for number in range(ARGUMENTS.rounds):
        run_round(number)


if __name__ == "__main__":
    main()
