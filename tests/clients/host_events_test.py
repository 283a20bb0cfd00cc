#!/usr/bin/env python3
"""evcollect against the server: a process started here is an event moments later."""
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import e2e_test
from eventd_server import EventdServer

ARGUMENTS = e2e_test.arguments()
COMM = "evtest-sleeper"


class HostEvents(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="host-events-")
        self.addCleanup(self.scratch.cleanup)
        self.server = EventdServer(ARGUMENTS.bin_dir)
        self.addCleanup(self.server.__exit__)
        self.server.start()
        self.collector = subprocess.Popen(
            [str(pathlib.Path(ARGUMENTS.bin_dir) / "evcollect"), "--socket",
             str(self.server.event_socket), "--interval", "50"],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.end, self.collector)

    def end(self, process):
        if process.poll() is None:
            process.kill()
        process.wait()

    def rows_of(self, event_type, pid):
        with self.server.connect() as client:
            return client.rows("SELECT payload->>'comm', payload->>'ppid', payload->>'cmdline' "
                               f"FROM events WHERE event_type = '{event_type}' "
                               f"AND (payload->>'pid')::int = {pid}")

    def test_process_start_and_exit(self):
        with self.server.connect() as client:
            e2e_test.wait_for(lambda: int(client.value(
                "SELECT count(*) FROM events WHERE event_type = 'host.process.seen'")) > 0,
                "the processes there are")
        # A name of our own, so that its comm is known.
        program = pathlib.Path(self.scratch.name) / COMM
        shutil.copy(shutil.which("sleep"), program)
        child = subprocess.Popen([str(program), "600"])
        self.addCleanup(self.end, child)
        started = e2e_test.wait_for(lambda: self.rows_of("host.process.start", child.pid),
                                    "the start event")
        self.assertEqual(len(started), 1)
        self.assertEqual(started[0][0], COMM)
        self.assertIn("600", started[0][2])
        child.kill()
        child.wait()
        e2e_test.wait_for(lambda: self.rows_of("host.process.exit", child.pid), "the exit event")

    def test_stamps(self):
        with self.server.connect() as client:
            e2e_test.wait_for(lambda: int(client.value(
                "SELECT count(*) FROM events WHERE event_type LIKE 'host.%'")) > 0, "host events")
            wrong = client.value(
                "SELECT count(*) FROM events WHERE event_type LIKE 'host.%' AND (origin_class <> 0 "
                "OR sequence < 1 OR cpu_id < 0 OR cpu_id >= 32768 OR process_guid IS NULL "
                "OR boot_id IS NULL OR timestamp > now() OR timestamp < now() - interval '1 hour')")
        self.assertEqual(wrong, "0")

    def test_collector_outlives_the_server(self):
        self.assertEqual(self.server.stop(), 0)
        self.server.start()
        child = subprocess.Popen(["sleep", "600"])
        self.addCleanup(self.end, child)
        e2e_test.wait_for(lambda: self.rows_of("host.process.start", child.pid), "the start event")
        self.collector.send_signal(signal.SIGTERM)
        self.assertEqual(self.collector.wait(30), 0)


if __name__ == "__main__":
    e2e_test.main()
