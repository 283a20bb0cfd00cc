#!/usr/bin/env python3
"""The server as a service: signals, readiness, reload, the stop's deadline."""
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import e2e_test
from e2e_test import REPOSITORY, wait_for
from eventd_server import EventdServer, run
from pg_client import ConnectionLost, parse_fields

ARGUMENTS = e2e_test.arguments()
SLOW = "SELECT count(*) FROM generate_series(1, 100000000000)"


class ServiceTest(unittest.TestCase):
    def server(self, settings=None, start=True):
        server = EventdServer(ARGUMENTS.bin_dir, settings)
        self.addCleanup(server.__exit__)
        if start:
            server.start()
        return server

    def types(self, server, event_type):
        return server.query("SELECT payload FROM events WHERE event_type = "
                            f"'{event_type}' ORDER BY timestamp")

    def wait_ended(self, server):
        """The exit status."""
        status = server.process.wait(60)
        server._forget()
        return status


class Stopping(ServiceTest):
    def test_a_running_statement_may_finish(self):
        server = self.server()
        client = server.connect()
        answer = []
        thread = threading.Thread(target=lambda: answer.append(client.value("SELECT pg_sleep(1.5)")))
        thread.start()
        time.sleep(0.5)  # there is no list of sessions to ask yet
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait_ended(server), 0, server.log_tail())
        thread.join(60)
        self.assertEqual(answer, [""])

    def test_idle_sessions_are_told(self):
        server = self.server()
        client = server.connect()
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.last_words(client), "57P01")
        self.assertEqual(self.wait_ended(server), 0)

    def last_words(self, client):
        """The SQLSTATE of the error that comes before the connection is closed."""
        while True:
            kind, body = client.read_message()
            if kind == b"E":
                client.vanish()
                return parse_fields(body)["C"]

    def test_a_statement_without_end_is_cancelled_and_all_is_stored(self):
        server = self.server({"shutdown_timeout": "8s", "statement_timeout": "0"})
        with server.connect() as writer:
            writer.query("INSERT INTO events (event_type, payload) VALUES ('app.last', '{}')")
        client = server.connect()
        client.send_query(SLOW)
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.last_words(client), "57P01")
        self.assertEqual(self.wait_ended(server), 0, server.log_tail())
        server.start()
        self.assertEqual(len(self.types(server, "synthetic.shutdown")), 1)

    def lock_shards(self, server):
        """Other processes' locks on the shards: nothing can be committed."""
        held = []
        for path in sorted((server.directory / "events").glob("shard-*.db")):
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=60)
            self.addCleanup(connection.close)
            connection.execute("BEGIN IMMEDIATE")
            held.append(connection)
        self.assertTrue(held)
        return held

    def test_shutdown_timeout_ends_what_hangs(self):
        server = self.server({"shutdown_timeout": "1s", "storage_shards": 1})
        held = self.lock_shards(server)
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait_ended(server), 3, server.log_tail())
        self.assertGreaterEqual(time.monotonic() - started, 0.9)
        self.assertIn("ended before everything was stored: shutdown_timeout", server.log_tail())
        for connection in held:
            connection.close()
        server.start()  # and what it left can be opened
        self.assertIn('"clean": false', server.query(
            "SELECT payload FROM events WHERE event_type = 'synthetic.startup' "
            "ORDER BY timestamp DESC LIMIT 1")[0][0])

    def test_a_second_signal_ends_it_at_once(self):
        server = self.server({"shutdown_timeout": "600s", "storage_shards": 1})
        self.lock_shards(server)
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: self.refuses(server), "the listener is closed")
        self.assertTrue(server.running)
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait_ended(server), 3, server.log_tail())
        self.assertIn("a second signal", server.log_tail())

    def refuses(self, server):
        try:
            server.connect().close()
            return False
        except ConnectionLost:
            return True

    def test_a_failure_at_start_is_told(self):
        server = self.server(start=False)
        (server.directory / "catalog.db").write_bytes(b"not a database" * 1000)
        done = run([server.bin_dir / "eventd", "-D", server.directory, "-c", "port=0"])
        self.assertEqual(done.returncode, 1)
        self.assertIn("catalog.db", done.stderr)

    def test_a_busy_port_is_told(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            server = self.server(start=False)
            port = taken.getsockname()[1]
            done = run([server.bin_dir / "eventd", "-D", server.directory, "-c", f"port={port}", "-c",
                        "listen_addresses=127.0.0.1"])
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(port), done.stderr)


class Dump(ServiceTest):
    def test_quit_writes_the_state_and_stops(self):
        server = self.server({"statement_timeout": "0", "shutdown_timeout": "8s"})
        client = server.connect()
        client.query("INSERT INTO events (event_type, payload) VALUES ('app.x', '{}')")
        client.send_query(SLOW)
        time.sleep(0.5)
        pid = server.process.pid
        server.process.send_signal(signal.SIGQUIT)
        self.assertEqual(self.wait_ended(server), 0, server.log_tail())
        client.vanish()
        dump = (server.directory / f"dump.{pid}.txt").read_text()
        self.assertEqual((server.directory / f"dump.{pid}.txt").stat().st_mode & 0o777, 0o600)
        for line in (r"cpu 0: generation \d+, capacity \d+, write_pos \d+, tail_pos \d+, ",
                     r"shard 0: .*shard-0000.db, handoff \d+ events, \d+ batches",
                     r"pid \d+: .*running for \d+ ms: SELECT count", r"VmRSS:\s+\d+ kB",
                     r"queries: \d+ of \d+ bytes", r"shard 0: boot [-0-9a-f]+ epoch .* cpu 32768: 1-1",
                     r"ingest\.shard\.0\.events_committed \d+"):
            self.assertRegex(dump, line)
        self.assertIn("state: [rings]", server.log_path.read_text())


class Reloading(ServiceTest):
    def reload(self, server, text):
        (server.directory / "eventd.conf").write_text(text)
        server.process.send_signal(signal.SIGHUP)

    def shown(self, server, name):
        return server.query(f"SHOW {name}")[0][0]

    def test_good_values_apply_and_bad_ones_keep_the_old(self):
        server = self.server()
        self.reload(server, "max_batch_latency = 200ms\nmax_batch_size = 5\nnosuch = 1\n"
                            "hba = 'nonsense'\nlog_min_duration_statement = 7s\n")
        wait_for(lambda: self.shown(server, "max_batch_latency") == "200ms", "the good value applies")
        self.assertEqual(self.shown(server, "log_min_duration_statement"), "7s")
        self.assertEqual(self.shown(server, "max_batch_size"), "10000")
        self.assertEqual(self.shown(server, "hba"), "")
        log = server.log_path.read_text()
        self.assertRegex(log, r"eventd.conf, line 2: .*max_batch_size.*the old value is kept")
        self.assertRegex(log, r"eventd.conf, line 3: .*nosuch.*ignored")
        self.assertRegex(log, r"eventd.conf, line 4: .*the old value is kept")
        changes = wait_for(lambda: len(self.types(server, "synthetic.config_change")) == 2 and
                           self.types(server, "synthetic.config_change"), "the changes are recorded")
        self.assertIn('"key": "max_batch_latency"', changes[0][0])
        self.assertIn('"new_value": "200ms"', changes[0][0])
        # What is no configuration at all changes nothing.
        self.reload(server, "max_batch_latency = 300ms\n\"\n")
        wait_for(lambda: "configuration not reloaded" in server.log_path.read_text(), "it is said")
        self.assertEqual(self.shown(server, "max_batch_latency"), "200ms")

    def test_storage_and_rings_go_by_new_values(self):
        server = self.server({"storage_shards": 1})
        with server.connect() as client:
            client.copy_in("COPY events (event_type, payload) FROM STDIN",
                           ('app.old\t{"x": "%s"}\n' % ("x" * 1000)).encode() * 10000)
        self.reload(server, "ring_capacity = 8MB\nwal_size_limit = 8MB\nmax_open_shards = 16\n"
                            "event_retention_max_bytes = 1MB\n")
        wait_for(lambda: int(server.query("SELECT count(*) FROM events WHERE event_type = 'app.old'")[0][0])
                 < 5000, "retention goes by the new limit")
        self.assertEqual(len(self.types(server, "synthetic.config_change")), 4)
        self.assertNotIn("could not be applied", server.log_path.read_text())
        pid = server.process.pid
        server.process.send_signal(signal.SIGQUIT)
        self.assertEqual(self.wait_ended(server), 0, server.log_tail())
        self.assertRegex((server.directory / f"dump.{pid}.txt").read_text(),
                         "cpu 0: generation 2, capacity 8388608, ")

    def test_pg_reload_conf(self):
        server = self.server()
        (server.directory / "eventd.conf").write_text("max_batch_latency = 300ms\n")
        self.assertEqual(server.query("SELECT pg_reload_conf()"), [("t",)])
        wait_for(lambda: self.shown(server, "max_batch_latency") == "300ms", "it applies")

    def test_the_log_is_opened_anew(self):
        server = self.server()
        log = server.directory / "own.log"
        self.reload(server, f"log_destination = '{log}'\nlog_min_duration_statement = 0\n")
        wait_for(log.exists, "the log file is there")
        log.rename(server.directory / "old.log")
        server.process.send_signal(signal.SIGHUP)
        wait_for(log.exists, "the log file is there again")
        server.query("SELECT 4711")
        wait_for(lambda: "4711" in log.read_text(), "it is used")

    def certificate(self, server):
        """The server's certificate as it shows it now."""
        done = run(["openssl", "s_client", "-starttls", "postgres", "-connect",
                    f"localhost:{server.port}", "-showcerts"], input="")
        return done.stdout.partition("-----BEGIN")[2].partition("END")[0]

    @unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
    def test_a_new_certificate_is_used_and_a_broken_one_is_not(self):
        server = self.server()
        first = self.certificate(server)
        self.assertTrue(first)
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", "/CN=another", "-keyout", server.directory / "server.key", "-out",
             server.directory / "server.crt"]).check_returncode()
        server.process.send_signal(signal.SIGHUP)
        second = wait_for(lambda: self.certificate(server) not in ("", first) and self.certificate(server),
                          "the new certificate is shown")
        (server.directory / "server.crt").write_text("broken")
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "front end not reloaded" in server.log_path.read_text(), "it is said")
        self.assertEqual(self.certificate(server), second)


class Notifying(ServiceTest):
    def test_messages(self):
        with tempfile.TemporaryDirectory(prefix="notify-") as directory:
            path = os.path.join(directory, "notify")
            manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.addCleanup(manager.close)
            manager.bind(path)
            manager.settimeout(60)
            os.environ.update(NOTIFY_SOCKET=path, WATCHDOG_USEC="200000")
            try:
                server = self.server()
            finally:
                del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
            self.messages = []
            self.await_message(manager, "READY=1")
            self.await_message(manager, "WATCHDOG=1")
            self.await_message(manager, "WATCHDOG=1")
            server.process.send_signal(signal.SIGHUP)
            reloading = self.await_message(manager, "RELOADING=1")
            usec = int(reloading.partition("MONOTONIC_USEC=")[2].split("\n")[0])
            self.assertLess(abs(time.clock_gettime(time.CLOCK_MONOTONIC) - usec / 1e6), 60)
            self.await_message(manager, "READY=1")
            self.assertEqual(server.stop(), 0)
            self.await_message(manager, "STOPPING=1")
            self.assertTrue(any("STATUS=" in message for message in self.messages))

    def await_message(self, manager, part):
        while True:
            message = manager.recv(4096).decode()
            self.messages.append(message)
            if part in message.split("\n"):
                return message

    def test_a_reload_asked_for_in_start_up_comes_after_it(self):
        server = self.server(start=False)
        command = [str(server.bin_dir / "eventd"), "-D", str(server.directory), "-c", "port=0"]
        with open(server.log_path, "ab") as log:
            server.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                              stderr=log)
        # Its signals are blocked before the lock is taken.
        wait_for((server.directory / "lock").exists, "it is starting", interval_s=0.001)
        (server.directory / "eventd.conf").write_text("max_batch_latency = 400ms\n")
        server.process.send_signal(signal.SIGHUP)
        line = server._read_ready_line()
        server.port = int(line.rpartition(":")[2].partition("/")[0])
        wait_for(lambda: server.query("SHOW max_batch_latency") == [("400ms",)], "it was reloaded")

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
    def test_the_unit(self):
        with tempfile.TemporaryDirectory(prefix="unit-") as directory:
            unit = pathlib.Path(directory) / "eventd.service"
            text = (REPOSITORY / "packaging/eventd.service").read_text()
            unit.write_text(text.replace("/usr/bin/eventd", str(pathlib.Path(ARGUMENTS.bin_dir) / "eventd"))
                            .replace("man:evctl(1)", "https://localhost/"))
            done = run(["systemd-analyze", "verify", "--man=no", unit])
            self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))


if __name__ == "__main__":
    e2e_test.main()
