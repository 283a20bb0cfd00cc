#!/usr/bin/env python3
"""ring_capacity changes while events come as fast as they are taken, up and down: each is stored once
and no sequence is missing, since libkmes' emission waits for room instead of overwriting."""
import pathlib
import random
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import e2e_test
from eventd_server import EventdServer
from sequences import SequenceChecker, check_unique

ARGUMENTS = e2e_test.arguments(seconds=120.0 if e2e_test.LONG else 4.0, flood="",
                               seed=random.SystemRandom().randrange(2**32))
PRODUCERS = 4
CAPACITIES = ["64kB", "128kB", "1MB", "4MB", "16MB"]


class Resize(unittest.TestCase):
    def test_nothing_is_lost(self):
        print(f"seed {ARGUMENTS.seed}", flush=True)
        chance = random.Random(ARGUMENTS.seed)
        settings = {"max_emit_rate_per_process": 1000000, "statement_timeout": 0,
                    "max_event_size": "1kB"}
        with EventdServer(ARGUMENTS.bin_dir, settings) as server:
            config = server.directory / "eventd.conf"
            program = ARGUMENTS.flood or pathlib.Path(ARGUMENTS.bin_dir) / "kmes_flood"
            floods = [subprocess.Popen([str(program), str(server.event_socket), "resize", str(producer),
                                        "1000000000", str([256, 64, 7, 1][producer])],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL, text=True)
                      for producer in range(PRODUCERS)]
            for flood in floods:
                self.addCleanup(flood.kill)
            changes, capacity = 0, "4MB"
            ends = time.monotonic() + ARGUMENTS.seconds
            with server.connect(timeout_s=300) as client:
                while time.monotonic() < ends:
                    capacity = chance.choice([other for other in CAPACITIES if other != capacity])
                    config.write_text(f"ring_capacity = {capacity}\n")
                    server.process.send_signal(signal.SIGHUP)
                    e2e_test.wait_for(lambda: client.value("SHOW ring_capacity") == capacity,
                                      f"ring_capacity = {capacity}")
                    changes += 1
                    time.sleep(chance.random() * 0.05)
            self.assertEqual(server.stop(), 0, server.log_tail())
            emitted = sum(int(flood.communicate(timeout=60)[0] or 0) for flood in floods)
            server.start()
            with server.connect(timeout_s=300) as client:
                stored = self.check(client)
            print(f"{changes} changes, {emitted} events acknowledged, {stored} stored")
            # What was in the sockets when the server ended had been sent, not taken.
            self.assertGreaterEqual(stored, 1)

    def check(self, client):
        changes = int(client.value("SELECT count(*) FROM events "
                                   "WHERE event_type = 'synthetic.config_change'"))
        self.assertGreater(changes, 0)
        rows = client.rows(
            "SELECT payload->>'p', count(*), count(DISTINCT (payload->>'id')::int8), "
            "min((payload->>'id')::int8), max((payload->>'id')::int8) "
            "FROM events WHERE event_type = 'resize' GROUP BY 1 ORDER BY 1")
        self.assertEqual(len(rows), PRODUCERS)
        for producer, count, different, first, last in rows:
            # Without a hole from the first to the last.
            self.assertEqual([first, different, str(int(last) + 1)], ["0", count, count],
                             f"producer {producer}")
        self.assertEqual(client.value("SELECT count(*) FROM events WHERE event_type IN "
                                      "('synthetic.gap', 'kmes.swap_failed')"), "0")
        SequenceChecker().check(client)
        check_unique(client)
        return sum(int(row[1]) for row in rows)


if __name__ == "__main__":
    e2e_test.main()
