#!/usr/bin/env python3
"""25,993 real security events through psql's \\copy and through evctl load; every answer is compared
with one computed from the file."""
import collections
import datetime
import json
import pathlib
import re
import sys
import tempfile
import unittest
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import e2e_test
from eventd_server import EventdServer

ARGUMENTS = e2e_test.arguments()
ARCHIVE = e2e_test.shared_data() / "security_events_25993.ndjson.zip"
ROUND_TRIP_EVERY = 97  # events compared whole
MINUTE = datetime.timedelta(minutes=1)


def event_type(event):
    """<channel>.<EventID> as evctl documents it, written again from the description."""
    channel = re.sub(r"^Microsoft-Windows-", "", event["Channel"]).split("/")[0]
    return re.sub(r"[^a-z0-9_]", "_", channel.lower()) + "." + str(event["EventID"])


def instant(event):
    return datetime.datetime.fromisoformat(event["@timestamp"].replace("Z", "+00:00"))


def floor(moment, step):
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return epoch + (moment - epoch) // step * step


class Files:
    """The events, and the two files made of them."""

    def __init__(self, directory):
        with zipfile.ZipFile(ARCHIVE) as archive:
            text = archive.read(archive.namelist()[0]).decode()
        lines = [line for line in text.split("\n") if line]
        self.events = [json.loads(line) for line in lines]
        self.types = [event_type(event) for event in self.events]
        self.ndjson = pathlib.Path(directory) / "events.ndjson"
        self.ndjson.write_text("\n".join(lines) + "\n")
        self.copy = pathlib.Path(directory) / "events.copy"
        with open(self.copy, "w", encoding="utf-8", newline="") as out:
            for name, line in zip(self.types, lines):
                out.write(f"{name}\t{e2e_test.copy_escaped(line)}\n")


def setUpModule():
    global SCRATCH, FILES
    SCRATCH = tempfile.TemporaryDirectory(prefix="security-events-")
    unittest.addModuleCleanup(SCRATCH.cleanup)
    FILES = Files(SCRATCH.name)


class Questions:
    """The comparisons; `self.server` holds the loaded events, `self.tcp` says how psql connects."""

    tcp = False
    # The server's own events are not among the figures.
    OURS = "event_type NOT LIKE 'synthetic.%'"

    @classmethod
    def setUpClass(cls):
        # Sanitizers and a busy machine make slow what is not.
        cls.server = EventdServer(ARGUMENTS.bin_dir, {"statement_timeout": 0})
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.start()
        cls.load()

    def ask(self, sql):
        return self.server.query(sql, tcp=self.tcp)

    def count_where(self, predicate):
        return sum(1 for event in FILES.events if predicate(event))

    def check_count(self, condition, predicate):
        expected = self.count_where(predicate)
        self.assertGreater(expected, 0, "the comparison compares nothing")
        self.assertEqual(self.ask(f"SELECT count(*) FROM events WHERE {self.OURS} AND {condition}"),
                         [(str(expected),)])

    def test_count(self):
        self.assertEqual(self.ask(f"SELECT count(*) FROM events WHERE {self.OURS}"),
                         [(str(len(FILES.events)),)])

    def test_count_by_type(self):
        expected = sorted(collections.Counter(FILES.types).items(), key=lambda kv: (-kv[1], kv[0]))
        self.assertEqual(
            self.ask(f"SELECT event_type, count(*) FROM events WHERE {self.OURS} "
                     "GROUP BY event_type ORDER BY count(*) DESC, event_type"),
            [(name, str(count)) for name, count in expected])

    def test_top_hosts(self):
        hosts = collections.Counter(event["Hostname"] for event in FILES.events)
        expected = sorted(hosts.items(), key=lambda kv: (-kv[1], kv[0]))[:10]
        self.assertEqual(
            self.ask(f"SELECT payload->>'Hostname' AS host, count(*) FROM events WHERE {self.OURS} "
                     "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10"),
            [(host, str(count)) for host, count in expected])

    def check_buckets(self, bucket, step):
        counts = collections.Counter(floor(instant(event), step) for event in FILES.events)
        self.assertEqual(
            self.ask(f"SELECT extract(epoch FROM bucket)::int8, n FROM (SELECT {bucket} AS bucket, "
                     f"count(*) AS n FROM events WHERE {self.OURS} GROUP BY 1) b ORDER BY bucket"),
            [(str(int(at.timestamp())), str(count)) for at, count in sorted(counts.items())])

    def test_date_trunc(self):
        self.check_buckets("date_trunc('minute', (payload->>'@timestamp')::timestamptz)", MINUTE)

    def test_date_bin(self):
        self.check_buckets("date_bin('15 seconds', (payload->>'@timestamp')::timestamptz, "
                           "'2020-01-01 00:00:00+00')", datetime.timedelta(seconds=15))

    def test_bucket_without_subquery(self):
        counts = collections.Counter(floor(instant(event), MINUTE) for event in FILES.events)
        rows = self.ask("SELECT to_char(date_trunc('minute', (payload->>'@timestamp')::timestamptz) "
                        "AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), count(*) FROM events "
                        f"WHERE {self.OURS} GROUP BY 1 ORDER BY 1")
        self.assertEqual(rows, [(at.strftime("%Y-%m-%d %H:%M"), str(n))
                                for at, n in sorted(counts.items())])

    def test_equality(self):
        self.check_count("payload->>'Category' = 'Process Create (rule: ProcessCreate)'",
                         lambda e: e.get("Category") == "Process Create (rule: ProcessCreate)")

    def test_number(self):
        self.check_count("(payload->>'ExecutionProcessID')::int > 3000 AND "
                         "(payload->>'EventID')::numeric <= 12.0",
                         lambda e: e["ExecutionProcessID"] > 3000 and e["EventID"] <= 12)

    def test_int8_minimum(self):
        self.check_count("(payload->>'Keywords')::int8 = -9223372036854775808",
                         lambda e: e["Keywords"] == -2**63)

    def test_like(self):
        self.check_count("payload->>'Image' LIKE '%\\\\svchost.exe'",
                         lambda e: e.get("Image", "").endswith("\\svchost.exe"))

    def test_ilike(self):
        self.check_count("payload->>'Image' ILIKE 'C:\\\\windows\\\\SYSTEM32%'",
                         lambda e: e.get("Image", "").lower().startswith("c:\\windows\\system32"))

    def test_is_null(self):
        self.check_count("payload->>'Image' IS NULL", lambda e: e.get("Image") is None)

    def test_array_element(self):
        self.check_count("payload->'tags'->>0 = 'mordorDataset'",
                         lambda e: e["tags"][:1] == ["mordorDataset"])

    def test_contains(self):
        self.check_count("payload @> '{\"EventID\": 4624, \"tags\": [\"mordorDataset\"]}'",
                         lambda e: e["EventID"] == 4624 and "mordorDataset" in e["tags"])

    def test_round_trip(self):
        with self.server.connect() as client:
            rows = client.rows("SELECT payload->>'Hostname', payload->>'RecordNumber', "
                               "payload->>'Channel', event_type, payload::text FROM events "
                               f"WHERE {self.OURS}")
        def key(event, name):
            return event["Hostname"], str(event["RecordNumber"]), event["Channel"], name
        stored = collections.defaultdict(list)
        for row in rows:
            stored[tuple(row[:4])].append(row[4])
        self.assertEqual(len(rows), len(FILES.events))
        for event, name in list(zip(FILES.events, FILES.types))[::ROUND_TRIP_EVERY]:
            self.assertIn(event, [json.loads(text) for text in stored[key(event, name)]])

    def test_eql_count_by(self):
        counts = collections.Counter(t for t in FILES.types if t.startswith("sysmon."))
        expected = sorted(counts.items(), key=lambda kv: (-kv[1], kv[0]))
        self.assertEqual(self.ask("EVENTS sysmon.* COUNT BY event_type"),
                         [(name, str(count)) for name, count in expected])

    def test_eql_top(self):
        hosts = collections.Counter(e["Hostname"] for e, t in zip(FILES.events, FILES.types)
                                    if t == "sysmon.12")
        expected = sorted(hosts.items(), key=lambda kv: (-kv[1], kv[0]))[:2]
        self.assertEqual(self.ask("EVENTS sysmon.12 TOP 2 BY Hostname"),
                         [(name, str(count)) for name, count in expected])

    def test_eql_where(self):
        # EQL compares text without regard to ASCII case.
        expected = sum(1 for e, t in zip(FILES.events, FILES.types) if t.startswith("security.")
                       and e.get("SubjectUserName", "").lower() == "mordordc$"
                       and e["EventID"] >= 4656)
        self.assertGreater(expected, 0)
        rows = self.ask("EVENTS security.* WHERE SubjectUserName == 'MordorDC$' "
                        "WHERE EventID >= 4656 GROUP Channel COUNT")
        self.assertEqual(rows, [("Security", str(expected))])

    def test_eql_take(self):
        rows = self.ask("EVENTS sysmon.* WHERE EventID == 12 TAKE 7 SELECT event_type, RecordNumber")
        self.assertEqual(len(rows), 7)
        numbers = {str(e["RecordNumber"]) for e in FILES.events if e["EventID"] == 12}
        for name, number in rows:
            self.assertEqual(name, "sysmon.12")
            self.assertIn(number, numbers)

    def test_eql_missing_field(self):
        expected = sum(1 for e, t in zip(FILES.events, FILES.types)
                       if t.startswith("sysmon.") and e.get("TargetObject") is None)
        rows = self.ask("EVENTS sysmon.* WHERE TargetObject IS NULL GROUP SourceModuleName COUNT")
        self.assertEqual(rows, [("eventlog", str(expected))])


class CopiedByPsql(Questions, unittest.TestCase):
    """psql over TCP with TLS and the admin's password."""

    tcp = True

    @classmethod
    def load(cls):
        done = cls.server.psql("-c", f"\\copy events (event_type, payload) from '{FILES.copy}'",
                               tcp=True)
        if done.returncode != 0 or done.stdout.strip() != f"COPY {len(FILES.events)}":
            raise AssertionError(f"\\copy: {done.stdout} {done.stderr}")


class LoadedByEvctl(Questions, unittest.TestCase):
    """evctl load, then psql over the Unix socket."""

    @classmethod
    def load(cls):
        done = cls.server.evctl("load", FILES.ndjson, "--type-from", "Channel,EventID")
        if done.returncode != 0 or done.stdout.strip() != f"loaded {len(FILES.events)} events":
            raise AssertionError(f"evctl load: {done.stdout} {done.stderr}")

    def test_evctl_query(self):
        done = self.server.evctl("query", "--csv", f"SELECT count(*) AS n FROM events WHERE {self.OURS}")
        self.assertEqual(done.stdout.splitlines(), ["n", str(len(FILES.events))], done.stderr)

    def test_after_restart(self):
        self.assertEqual(self.server.stop(), 0)
        self.server.start()
        self.test_count()
        self.test_count_by_type()


if __name__ == "__main__":
    e2e_test.main()
