#!/usr/bin/env python3
"""kill -9 at random moments under INSERT, COPY and ring load. After each restart:

- what was acknowledged is stored, once; what was not is stored once or not at all;
- a COPY or a transaction is whole or absent;
- ring sequences are unique, and every hole is told by a gap record.
"""
import collections
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import e2e_test
from eventd_server import START_TIMEOUT_S, EventdServer, ServerFailed
from pg_client import ConnectionLost
from sequences import SequenceChecker, check_unique

ARGUMENTS = e2e_test.arguments(rounds=200 if e2e_test.LONG else 5, seconds=1.0,
                               seed=random.SystemRandom().randrange(2**32), flood="")
ROUNDS_PER_DIRECTORY = 10
INSERTERS, COPIERS, TRANSACTIONS, FLOODS_MAX = 3, 2, 1, 2
LOAD_SECONDS_MIN = 0.1
COPY_ROWS_MAX = 3000
KILLED_IN_START_SHARE = 0.2


class Load:
    """Sessions and emitters of one round, and what the server acknowledged to them."""

    def __init__(self, server, number, seed):
        self.server = server
        self.number = number
        self.lock = threading.Lock()
        self.inserted = set()     # acknowledged ids
        self.groups = {}          # COPY or transaction id → its rows
        self.acknowledged_groups = set()
        self.emitted = 0
        self.problems = []
        self.threads = []
        for index in range(INSERTERS):
            self._start(self._insert, index, seed)
        for index in range(COPIERS):
            self._start(self._copy, INSERTERS + index, seed)
        for index in range(TRANSACTIONS):
            self._start(self._transact, INSERTERS + COPIERS + index, seed)
        self.floods = [subprocess.Popen(
            [ARGUMENTS.flood, str(server.event_socket), f"k9.ring.{number}", str(producer),
             "1000000000", str(1 + 50 * producer)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            for producer in range(random.Random(seed).randint(0, FLOODS_MAX))]

    def _start(self, work, index, seed):
        thread = threading.Thread(target=self._run, args=(work, index, random.Random(f"{seed}/{index}")))
        thread.start()
        self.threads.append(thread)

    def _run(self, work, index, chance):
        try:
            with self.server.connect() as client:
                for step in range(10**9):
                    work(client, f"{self.number}.{index}.{step}", chance)
        except ConnectionLost:
            pass  # the kill
        except Exception as error:  # pylint: disable=broad-except
            with self.lock:
                self.problems.append(f"{work.__name__}: {error!r}")

    def _insert(self, client, name, _):
        client.query("INSERT INTO events (event_type, payload) "
                     f"VALUES ('k9.insert.{self.number}', '{{\"id\": \"{name}\"}}')")
        with self.lock:
            self.inserted.add(name)

    def _copy(self, client, name, chance):
        rows = chance.randint(1, COPY_ROWS_MAX)
        if chance.random() < 0.3:  # past this the rows go to the shard before the commit
            client.query("SET emit_buffer = '64kB'")
        else:
            client.query("RESET emit_buffer")
        with self.lock:
            self.groups[name] = rows
        client.copy_in("COPY events (event_type, payload) FROM STDIN", "".join(
            f"k9.group.{self.number}\t{{\"id\": \"{name}\", \"n\": {n}}}\n" for n in range(rows)).encode())
        with self.lock:
            self.acknowledged_groups.add(name)

    def _transact(self, client, name, chance):
        rows = chance.randint(1, 20)
        with self.lock:
            self.groups[name] = rows
        client.query("BEGIN")
        for n in range(rows):
            client.query("INSERT INTO events (event_type, payload) "
                         f"VALUES ('k9.group.{self.number}', '{{\"id\": \"{name}\", \"n\": {n}}}')")
        client.query("COMMIT")
        with self.lock:
            self.acknowledged_groups.add(name)

    def end(self):
        """After the kill: everybody notices."""
        for thread in self.threads:
            thread.join()
        for flood in self.floods:
            out, _ = flood.communicate(timeout=60)
            self.emitted += int(out or 0)
            if flood.returncode != 3:
                self.problems.append(f"kmes_flood ended with {flood.returncode}")
        assert not self.problems, self.problems

    def check(self, client):
        ids = collections.Counter(row[0] for row in client.rows(
            f"SELECT payload->>'id' FROM events WHERE event_type = 'k9.insert.{self.number}'"))
        lost = self.inserted - set(ids)
        assert not lost, f"acknowledged, but lost: {sorted(lost)[:5]} and more, {len(lost)} in all"
        twice = [name for name, count in ids.items() if count > 1]
        assert not twice, f"stored twice: {twice[:5]}"

        stored = {name: (int(count), int(different)) for name, count, different in client.rows(
            "SELECT payload->>'id', count(*), count(DISTINCT payload->>'n') FROM events "
            f"WHERE event_type = 'k9.group.{self.number}' GROUP BY 1")}
        for name, found in stored.items():
            assert found == (self.groups[name],) * 2, f"COPY {name}: {found} of {self.groups[name]} rows"
        lost = self.acknowledged_groups - set(stored)
        assert not lost, f"acknowledged COPYs lost: {sorted(lost)[:5]}"

        twice = client.rows(
            f"SELECT payload->>'p', payload->>'id', count(*) FROM events "
            f"WHERE event_type = 'k9.ring.{self.number}' GROUP BY 1, 2 HAVING count(*) > 1 LIMIT 5")
        assert not twice, f"ring events stored twice: {twice}"
        ring = int(client.value(
            f"SELECT count(*) FROM events WHERE event_type = 'k9.ring.{self.number}'"))
        assert ring <= self.emitted + 256 * FLOODS_MAX, f"{ring} ring events of {self.emitted} emitted"
        return len(ids), len(stored), ring


def kill_in_start(server, chance):
    """Starts the server and kills it on the way, maybe just after it was ready."""
    timer = threading.Timer(chance.random() * 0.3, lambda: server.process and server.process.kill())
    timer.start()
    try:
        server.start()
    except ServerFailed:
        pass
    timer.join()
    server.kill()


def run_round(server, number, chance, checker):
    server.settings["storage_shards"] = chance.choice([1, 2, 5])
    server.start()
    load = Load(server, number, chance.random())
    time.sleep(LOAD_SECONDS_MIN + chance.random() * ARGUMENTS.seconds)
    server.kill()
    load.end()
    if chance.random() < KILLED_IN_START_SHARE:
        kill_in_start(server, chance)
    server.settings["storage_shards"] = chance.choice([1, 2, 5])
    server.start()
    with server.connect(timeout_s=START_TIMEOUT_S) as client:
        client.query("SET statement_timeout = 0")
        inserted, groups, ring = load.check(client)
        checker.check(client)
        check_unique(client)
    print(f"round {number}: {inserted} inserts, {groups} COPYs and transactions, {ring} ring events "
          f"of {load.emitted} emitted; acknowledged {len(load.inserted)}, "
          f"{len(load.acknowledged_groups)}", flush=True)
    server.kill()
    return inserted + groups + ring


def main():
    print(f"seed {ARGUMENTS.seed}", flush=True)
    chance = random.Random(ARGUMENTS.seed)
    ARGUMENTS.flood = ARGUMENTS.flood or str(pathlib.Path(ARGUMENTS.bin_dir) / "kmes_flood")
    stored = 0
    for first in range(0, ARGUMENTS.rounds, ROUNDS_PER_DIRECTORY):
        directory = tempfile.mkdtemp(prefix="kill9-")
        server = EventdServer(ARGUMENTS.bin_dir, {"max_emit_rate_per_process": 20000}, directory)
        checker = SequenceChecker()
        try:
            for number in range(first, min(first + ROUNDS_PER_DIRECTORY, ARGUMENTS.rounds)):
                stored += run_round(server, number, chance, checker)
        except BaseException:
            server.kill()
            print(f"the directory is kept: {directory}; seed {ARGUMENTS.seed}", flush=True)
            raise
        shutil.rmtree(directory)
    assert stored > 0, "no round stored anything: the test tests nothing"


if __name__ == "__main__":
    main()
