#!/usr/bin/env python3
"""Backups while everything goes on; what is restored from them; and the other commands on files."""
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "crash")]
import e2e_test
from e2e_test import wait_for
from eventd_server import EventdServer, run
from pg_client import PgError
from sequences import SequenceChecker, check_unique

ARGUMENTS = e2e_test.arguments(flood="")
FLOOD = ARGUMENTS.flood or str(pathlib.Path(ARGUMENTS.bin_dir) / "kmes_flood")
SHARDS = 5  # over fewer CPUs: rings are dealt to several shards


class Inserts:
    """One session that inserts numbered rows until it is told to end."""

    def __init__(self, server):
        self.acknowledged = 0
        self.client = server.connect()
        self.ending = False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.ending:
            number = self.acknowledged + 1
            self.client.query("INSERT INTO events (event_type, payload) "
                              f"VALUES ('backup.insert', '{{\"n\": {number}}}')")
            self.acknowledged = number

    def end(self):
        self.ending = True
        self.thread.join()
        self.client.close()


class BackupTest(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="backup-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.target = self.directory / "copy"

    def server(self, settings=None, directory=None):
        server = EventdServer(ARGUMENTS.bin_dir, settings, directory)
        self.addCleanup(server.__exit__)
        server.start()
        return server

    def fill(self, server, rows, size=500):
        with server.connect() as client:
            client.copy_in("COPY events (event_type, payload) FROM STDIN", "".join(
                f'backup.filling\t{{"n": {n}, "x": "{"x" * size}"}}\n' for n in range(rows)).encode())

    def restore(self, name="restored"):
        """A server on what the backup holds."""
        data = self.directory / name
        done = run([ARGUMENTS.bin_dir + "/evctl", "restore", self.target, "-D", data])
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.server(directory=data)

    def fails(self, server, sqlstate, sql):
        with server.connect() as client, self.assertRaises(PgError) as raised:
            client.query(sql)
        self.assertEqual(raised.exception.sqlstate, sqlstate, raised.exception.fields)
        return raised.exception.message


class UnderLoad(BackupTest):
    def test_nothing_acknowledged_is_missing_and_nothing_is_there_twice(self):
        server = self.server({"storage_shards": SHARDS, "max_emit_rate_per_process": 20000})
        self.fill(server, 30000)
        inserts = Inserts(server)
        floods = [subprocess.Popen([FLOOD, str(server.event_socket), "backup.ring", str(producer),
                                    "1000000000", str(1 + 50 * producer)],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL) for producer in range(2)]
        try:
            wait_for(lambda: inserts.acknowledged > 20, "there is load")
            before = inserts.acknowledged
            with server.connect(timeout_s=600) as client:
                copied = int(client.value(f"SELECT eventd_backup('{self.target}')"))
            after = inserts.acknowledged
            wait_for(lambda: inserts.acknowledged > after, "the load goes on")
        finally:
            inserts.end()
            for flood in floods:
                flood.kill()
                flood.communicate()
        self.assertEqual(copied, sum(path.stat().st_size for path in self.target.rglob("*")
                                     if path.is_file() and path.name != "backup.manifest"))
        server.kill()
        restored = self.restore()
        with restored.connect(timeout_s=600) as client:
            client.query("SET statement_timeout = 0")
            numbers = [int(row[0]) for row in client.rows(
                "SELECT payload->>'n' FROM events WHERE event_type = 'backup.insert'")]
            self.assertEqual(sorted(numbers), list(range(1, len(numbers) + 1)))
            self.assertGreaterEqual(len(numbers), before)
            self.assertEqual(client.value("SELECT count(*) FROM events "
                                          "WHERE event_type = 'backup.filling'"), "30000")
            self.assertGreater(int(client.value("SELECT count(*) FROM events "
                                                "WHERE event_type = 'backup.ring'")), 0)
            SequenceChecker().check(client)
            check_unique(client)
        print(f"{before} acknowledged before, {len(numbers)} in the backup, {after} after; "
              f"{copied} bytes")
        self.assertEqual(restored.stop(), 0)

    def test_the_restored_server_is_the_same_one(self):
        server = self.server()
        (server.directory / "eventd.conf").write_text("log_min_duration_statement = 77s\n")
        with server.connect() as client:
            client.query("ALTER SYSTEM SET max_batch_latency = '250ms'")
        done = server.evctl("backup", self.target)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"backup in .*: \d+ bytes")
        password = server.admin_password
        server.stop()
        restored = self.restore()
        self.assertEqual(restored.query("SELECT current_user", tcp=True, password=password), [("admin",)])
        self.assertEqual(restored.query("SHOW log_min_duration_statement"), [("77s",)])
        self.assertEqual(restored.query("SHOW max_batch_latency"), [("250ms",)])
        self.assertEqual((self.target / "admin.password").stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.target.stat().st_mode & 0o777, 0o700)


class OtherFiles(BackupTest):
    def test_what_was_set_aside_and_what_is_only_read_is_in_it(self):
        server = self.server({"storage_shards": 3})
        self.fill(server, 20000)
        server.stop()
        events = server.directory / "events"
        # The COPY went to one of them.
        (events / "shard-0002.db").rename(events / "archive.db")
        (events / "shard-0000.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 50000)
        server.settings["storage_shards"] = 1
        server.start()
        self.assertEqual(len(server.query("SELECT payload FROM events "
                                          "WHERE event_type = 'synthetic.storage_error'")), 1)
        count = server.query("SELECT count(*) FROM events WHERE event_type = 'backup.filling'")
        self.assertEqual(count, [("20000",)])
        server.query(f"SELECT eventd_backup('{self.target}')")
        server.stop()
        names = sorted(path.name for path in (self.target / "events").iterdir())
        self.assertTrue(any(".corrupt-" in name for name in names), names)
        self.assertTrue({"archive.db", "shard-0000.db", "shard-0001.db"} < set(names), names)
        restored = self.restore()
        self.assertEqual(restored.query("SELECT count(*) FROM events "
                                        "WHERE event_type = 'backup.filling'"), count)


class Refusals(BackupTest):
    def setUp(self):
        super().setUp()
        self.source = self.server()

    def backup(self, target):
        return f"SELECT eventd_backup('{target}')"

    def test_targets(self):
        self.target.mkdir()
        self.assertEqual(self.source.query(self.backup(self.target))[0][0].isdigit(), True)  # an empty one
        self.assertIn("not empty", self.fails(self.source, "42710", self.backup(self.target)))
        self.fails(self.source, "22023", self.backup("relative/path"))
        self.fails(self.source, "22023", self.backup("/"))
        self.fails(self.source, "22023", self.backup(self.source.directory / "backup"))
        self.fails(self.source, "58030", self.backup(self.directory / "no/such/parent"))
        other = self.directory / "other"
        (self.directory / "other.tmp").mkdir()
        self.assertIn("in the way", self.fails(self.source, "42710", self.backup(other)))
        # What a backup that was cut off left is taken away.
        (self.directory / "other.tmp/INCOMPLETE").touch()
        self.source.query(self.backup(other))

    def test_forms(self):
        with self.source.connect() as client:
            self.assertIsNone(client.value("SELECT eventd_backup(NULL)"))
            client.query("PREPARE b AS SELECT eventd_backup($1 || '/prepared')")
            self.assertGreater(int(client.value(f"EXECUTE b('{self.directory}')")), 0)
            self.assertEqual(client.query(self.backup(self.target))[0].columns, [("eventd_backup", 20)])
        self.fails(self.source, "0A000", f"SELECT eventd_backup('{self.target}2'), 1")
        self.fails(self.source, "0A000", f"SELECT eventd_backup('{self.target}2') FROM events")
        self.assertFalse(pathlib.Path(f"{self.target}2").exists())

    def test_a_query_does_not_run_it_by_the_way(self):
        self.fails(self.source, "0A000", f"SELECT 1 WHERE eventd_backup('{self.target}') > 0")
        self.assertFalse(self.target.exists())


class Interrupted(BackupTest):
    def test_cancel_leaves_nothing(self):
        server = self.server({"storage_shards": 1})
        self.fill(server, 20000, 2000)
        with server.connect() as client:
            client.query("SET statement_timeout = '1ms'")  # does not count
            canceller = threading.Thread(target=self.cancel_soon, args=(client,))
            canceller.start()
            with self.assertRaises(PgError) as raised:
                for number in range(1000):  # one of them is caught under way
                    client.query(f"SELECT eventd_backup('{self.target}')")
                    shutil.rmtree(self.target)
            canceller.join()
            self.assertEqual(raised.exception.sqlstate, "57014")
            self.assertIn("user request", raised.exception.message)
            # A millisecond may be too short for anything else.
            wait_for(lambda: self.resets_timeout(client), "the session goes on")
            self.assertEqual(client.value("SELECT 1"), "1")
        self.assertEqual(list(self.directory.iterdir()), [])
        server.query(f"SELECT eventd_backup('{self.target}')")

    @staticmethod
    def resets_timeout(client):
        try:
            return client.query("RESET statement_timeout")
        except PgError:
            return False

    def cancel_soon(self, client):
        wait_for(lambda: (self.directory / "copy.tmp/INCOMPLETE").exists(), "it has begun", interval_s=0.001)
        client.cancel()

    def test_a_vanished_client_ends_it(self):
        server = self.server({"storage_shards": 1})
        self.fill(server, 20000, 2000)
        client = server.connect()
        client.send_query(f"SELECT eventd_backup('{self.target}')")
        wait_for(lambda: (self.directory / "copy.tmp/INCOMPLETE").exists() or self.target.exists(),
                 "it has begun", interval_s=0.001)
        client.vanish()
        wait_for(lambda: not (self.directory / "copy.tmp").exists(), "it has ended")
        self.assertEqual(server.stop(), 0)

    def test_a_full_target(self):
        server = self.server({"storage_shards": 2})
        self.fill(server, 30000, 2000)
        mount = self.directory / "small"
        mount.mkdir()
        mounted = run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", mount])
        if mounted.returncode != 0:
            self.skipTest("a small filesystem can't be mounted here: " + mounted.stderr.strip())
        self.addCleanup(run, ["umount", mount])
        self.fails(server, "53100", f"SELECT eventd_backup('{mount}/copy')")
        self.assertEqual(list(mount.iterdir()), [])
        self.assertEqual(server.query("SELECT count(*) FROM events WHERE event_type = 'backup.filling'"),
                         [("30000",)])
        server.query("INSERT INTO events (event_type, payload) VALUES ('app.after', '{}')")
        self.assertEqual(server.stop(), 0)

    def test_stopping_the_server_ends_it(self):
        server = self.server({"storage_shards": 1, "shutdown_timeout": "8s"})
        self.fill(server, 20000, 2000)
        client = server.connect()
        client.send_query(f"SELECT eventd_backup('{self.target}')")
        wait_for(lambda: (self.directory / "copy.tmp").exists() or self.target.exists(), "it has begun",
                 interval_s=0.001)
        self.assertEqual(server.stop(), 0, server.log_tail())
        # Whole or not there.
        self.assertFalse((self.directory / "copy.tmp").exists())
        if self.target.exists():
            self.restore().stop()


class Offline(BackupTest):
    def test_restore_refuses(self):
        server = self.server()
        server.query(f"SELECT eventd_backup('{self.target}')")
        done = run([ARGUMENTS.bin_dir + "/evctl", "restore", self.target, "-D", server.directory])
        self.assertEqual(done.returncode, 1)
        self.assertIn("another server is using", done.stderr)
        server.stop()
        done = run([ARGUMENTS.bin_dir + "/evctl", "restore", self.target, "-D", server.directory])
        self.assertEqual(done.returncode, 1)
        self.assertIn("is not empty", done.stderr)
        shard = self.target / "events/shard-0000.db"
        data = bytearray(shard.read_bytes())
        data[5000] ^= 1
        shard.write_bytes(data)
        done = run([ARGUMENTS.bin_dir + "/evctl", "restore", self.target, "-D", self.directory / "new"])
        self.assertEqual(done.returncode, 1)
        self.assertIn("not what the backup's manifest says", done.stderr)
        self.assertFalse((self.directory / "new").exists())

    def test_a_server_does_not_start_on_half_a_restore(self):
        (self.directory / "half").mkdir()
        (self.directory / "half/INCOMPLETE").touch()
        done = run([ARGUMENTS.bin_dir + "/eventd", "-D", self.directory / "half", "-c", "port=0"])
        self.assertEqual(done.returncode, 1)
        self.assertIn("was not finished", done.stderr)

    def test_vacuum(self):
        server = self.server({"storage_shards": 1})
        self.fill(server, 20000)
        done = server.evctl("vacuum", "--check")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"no +\S*/events/shard-0000\.db\n")
        done = server.evctl("vacuum")
        self.assertEqual(done.returncode, 1)
        self.assertIn("another server is using", done.stderr)
        server.stop()
        with sqlite3.connect(server.directory / "events/shard-0000.db") as shard:
            shard.execute("DELETE FROM events_0 WHERE id > 10")
        shard.close()
        done = server.evctl("vacuum", "--check")
        self.assertRegex(done.stdout, r"yes +\S*/events/shard-0000\.db\n")
        done = server.evctl("vacuum")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotRegex(server.evctl("vacuum", "--check").stdout, "yes")
        server.start()
        self.assertEqual(server.query("SELECT count(*) <= 10 FROM events WHERE "
                                      "event_type = 'backup.filling'"), [("t",)])
        server.query("INSERT INTO events (event_type, payload) VALUES ('app.after', '{}')")

    def test_salvage_and_read_it_instead(self):
        server = self.server({"storage_shards": 1})
        self.fill(server, 20000)
        server.stop()
        shard = server.directory / "events/shard-0000.db"
        data = bytearray(shard.read_bytes())
        page = 16384
        for number in range(100, len(data) // page, 97):
            data[number * page:(number + 1) * page] = os.urandom(page)
        damaged = server.directory / "damaged.db"
        damaged.write_bytes(data)
        shard.unlink()
        done = server.evctl("salvage", damaged)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"\d+ rows copied, at least \d+ missing")
        self.assertEqual(damaged.read_bytes(), data)
        (server.directory / "damaged.salvaged").rename(server.directory / "events/archive.db")
        server.start()
        rows = int(server.query("SELECT count(*) FROM events WHERE event_type = 'backup.filling'")[0][0])
        self.assertGreater(rows, 15000)
        self.assertLess(rows, 20000)

    def test_usage(self):
        for arguments in (["backup"], ["restore"], ["salvage"], ["vacuum", "a", "b"], ["query", "--check", "x"]):
            done = run([ARGUMENTS.bin_dir + "/evctl", *arguments])
            self.assertEqual((arguments, done.returncode), (arguments, 2))
            self.assertIn("usage: evctl", done.stderr)


if __name__ == "__main__":
    e2e_test.main()
