#!/usr/bin/env python3
"""A million events through the rings: each stored once, sequences without a hole, also when the rings
are as small as they get."""
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import e2e_test
from eventd_server import EventdServer
from sequences import SequenceChecker, check_unique

ARGUMENTS = e2e_test.arguments(events=0, flood="")
PRODUCERS = 4
STORE_TIMEOUT_S = 300


class Million(unittest.TestCase):
    def flood(self, settings, events):
        program = ARGUMENTS.flood or pathlib.Path(ARGUMENTS.bin_dir) / "kmes_flood"
        settings = {"max_emit_rate_per_process": 1000000, "statement_timeout": 0, **settings}
        with EventdServer(ARGUMENTS.bin_dir, settings) as server:
            each = events // PRODUCERS
            emitters = [subprocess.Popen(
                [str(program), str(server.event_socket), "flood", str(producer), str(each),
                 str([256, 64, 7, 1][producer])], stdin=subprocess.DEVNULL)
                for producer in range(PRODUCERS)]
            for emitter in emitters:
                self.addCleanup(emitter.kill)
            for emitter in emitters:
                self.assertEqual(emitter.wait(STORE_TIMEOUT_S), 0)
            with server.connect(timeout_s=STORE_TIMEOUT_S) as client:
                count = "SELECT count(*) FROM events WHERE event_type = 'flood'"
                e2e_test.wait_for(lambda: int(client.value(count)) >= each * PRODUCERS,
                                  "all events stored", STORE_TIMEOUT_S, 0.2)
                self.check(client, each)
            self.assertEqual(server.stop(), 0, server.log_tail())
            server.start()
            with server.connect(timeout_s=STORE_TIMEOUT_S) as client:
                self.check(client, each)

    def check(self, client, each):
        rows = client.rows(
            "SELECT payload->>'p', count(*), count(DISTINCT (payload->>'id')::int8), "
            "min((payload->>'id')::int8), max((payload->>'id')::int8) "
            "FROM events WHERE event_type = 'flood' GROUP BY 1 ORDER BY 1")
        self.assertEqual(rows, [[str(producer), str(each), str(each), "0", str(each - 1)]
                                for producer in range(PRODUCERS)])
        self.assertEqual(client.value("SELECT count(*) FROM events WHERE event_type = 'synthetic.gap'"),
                         "0")
        SequenceChecker().check(client)
        check_unique(client)

    def test_default_rings(self):
        self.flood({}, ARGUMENTS.events or 1000000)

    def test_small_rings(self):
        self.flood({"ring_capacity": "64kB", "max_event_size": "1kB"},
                   (ARGUMENTS.events or 1000000) // 4)

    def test_more_shards_than_cpus(self):
        self.flood({"storage_shards": 5}, (ARGUMENTS.events or 1000000) // 4)


if __name__ == "__main__":
    e2e_test.main()
