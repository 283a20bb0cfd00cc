#!/usr/bin/env python3
"""Wrong input of every kind: a clear error each time, and the server goes on."""
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import e2e_test
from eventd_server import EventdServer, run
from pg_client import ConnectionLost, PgError, message

ARGUMENTS = e2e_test.arguments()
SLOW_ROWS = "generate_series(1, 100000000000)"


def setUpModule():
    global SERVER
    SERVER = EventdServer(ARGUMENTS.bin_dir)
    unittest.addModuleCleanup(SERVER.__exit__)
    SERVER.start()


class ServerGoesOn(unittest.TestCase):
    """After every test, whatever it did, a new session is answered and nothing was stored."""

    def setUp(self):
        self.addCleanup(self.check_server)
        self.client = SERVER.connect()
        self.addCleanup(self.client.close)

    def check_server(self):
        self.assertTrue(SERVER.running, SERVER.log_tail())
        with SERVER.connect() as client:
            self.assertEqual(client.value("SELECT 1"), "1")
            self.assertEqual(client.value("SELECT count(*) FROM events WHERE event_type LIKE 'bad.%'"),
                             "0")

    def fails(self, sqlstate, sql, pattern=".", client=None):
        with self.assertRaises(PgError) as raised:
            (client or self.client).query(sql)
        error = raised.exception
        self.assertEqual(error.sqlstate, sqlstate, error.fields)
        self.assertRegex(error.message, pattern)
        return error

    def copy_fails(self, sqlstate, data, context):
        with self.assertRaises(PgError) as raised:
            self.client.copy_in("COPY events (event_type, payload) FROM STDIN", data)
        error = raised.exception
        self.assertEqual(error.sqlstate, sqlstate, error.fields)
        self.assertRegex(error.context, context)


class BadStatements(ServerGoesOn):
    def test_syntax_error(self):
        error = self.fails("42601", "SELECT 1 FROM FROM x", 'syntax error at or near "FROM"')
        self.assertEqual(error.position, 15)

    def test_unknown_column(self):
        error = self.fails("42703", "SELECT nosuch FROM events", 'column "nosuch" does not exist')
        self.assertEqual(error.position, 8)

    def test_unknown_table(self):
        error = self.fails("42P01", "SELECT * FROM nosuch", 'relation "nosuch" does not exist')
        self.assertEqual(error.position, 15)

    def test_unknown_function(self):
        self.fails("42883", "SELECT nosuch(1)", r"function nosuch\(integer\) does not exist")

    def test_eql_syntax(self):
        error = self.fails("42601", "EVENTS kacs.* WHERE x ==")
        self.assertIsNotNone(error.position)

    def test_many_terms(self):
        sql = "SELECT " + "+".join(["1"] * 100000)
        try:
            self.assertEqual(self.client.value(sql), "100000")
        except PgError as error:
            self.assertEqual(error.sqlstate, "54001", error.fields)

    def test_many_conditions(self):
        sql = "SELECT 1 WHERE " + " AND ".join(["1=1"] * 100000)
        try:
            self.assertEqual(self.client.value(sql), "1")
        except PgError as error:
            self.assertEqual(error.sqlstate, "54001", error.fields)

    def test_deep_parentheses(self):
        self.fails("54001", "SELECT " + "(" * 100000 + "1" + ")" * 100000)

    def test_deep_casts_and_calls(self):
        self.fails("54001", "SELECT " + "abs(" * 50000 + "1" + ")" * 50000)

    def test_deep_subqueries(self):
        with self.assertRaises(PgError) as raised:
            self.client.query("SELECT * FROM " + "(SELECT * FROM " * 20000 + "events" + ") x" * 20000)
        self.assertIn(raised.exception.sqlstate, {"54001", "0A000"})

    def test_deep_json(self):
        self.fails("54001", "SELECT '" + "[" * 100000 + "]" * 100000 + "'::jsonb")

    def test_division_by_zero(self):
        self.fails("22012", "SELECT 1/0", "division by zero")

    def test_null_byte(self):
        # A query with a NUL inside is a malformed message.
        self.client.send(message(b"Q", b"SELECT 1\0 + 1\0"))
        try:
            kinds = [self.client.read_message()[0] for _ in range(2)]
        except ConnectionLost:
            kinds = [b"E"]
        self.assertIn(b"E", kinds)

    def test_invalid_utf8(self):
        self.client.send(message(b"Q", b"SELECT '\xff\xfe'\0"))
        with self.assertRaises(PgError) as raised:
            self.client._read_results()
        self.assertEqual(raised.exception.sqlstate, "22021", raised.exception.fields)

    def test_failed_transaction(self):
        self.client.query("BEGIN")
        self.fails("22012", "SELECT 1/0")
        self.fails("25P02", "SELECT 1")
        self.assertEqual(self.client.query("COMMIT")[0].tag, "ROLLBACK")


class BadEvents(ServerGoesOn):
    def insert(self, event_type, payload):
        return f"INSERT INTO events (event_type, payload) VALUES ('{event_type}', '{payload}')"

    def test_bad_json(self):
        self.fails("22P02", self.insert("bad.json", '{"a": '), "invalid input syntax for type json")

    def test_bad_row_among_good_ones(self):
        rows = ", ".join(f"('bad.row', '{{\"n\": {n}}}')" for n in range(99)) + ", ('', '{}')"
        with self.assertRaises(PgError) as raised:
            self.client.query("INSERT INTO events (event_type, payload) VALUES " + rows)
        self.assertRegex(raised.exception.message + raised.exception.context, r"\b100\b")

    def test_empty_type(self):
        with self.assertRaises(PgError) as raised:
            self.client.query(self.insert("", "{}"))
        self.assertRegex(raised.exception.sqlstate, "^(22|23)")
        self.assertRegex(raised.exception.message, "type")

    def test_null_type(self):
        with self.assertRaises(PgError) as raised:
            self.client.query("INSERT INTO events (event_type, payload) VALUES (NULL, '{}')")
        self.assertEqual(raised.exception.sqlstate, "23502", raised.exception.fields)

    def test_reserved_types(self):
        for name in ("synthetic.startup", "audit.login"):
            self.fails("42501", self.insert(name, "{}"))

    def test_oversize_payload(self):
        self.fails("54000", self.insert("bad.size", '{"x": "%s"}' % ("a" * 100000)))

    def test_deep_payload(self):
        self.fails("54000", self.insert("bad.deep", "[" * 100 + "]" * 100))

    def test_unknown_column(self):
        self.fails("42703", "INSERT INTO events (event_type, nosuch) VALUES ('bad.column', '{}')",
                   'column "nosuch" of relation "events" does not exist')

    def test_server_stamped_column(self):
        with self.assertRaises(PgError) as raised:
            self.client.query("INSERT INTO events (event_type, payload, sequence) "
                              "VALUES ('bad.stamp', '{}', 1)")
        self.assertIn(raised.exception.sqlstate, {"42501", "0A000", "428C9"})

    def test_bad_msgpack_in_bytea(self):
        with self.assertRaises(PgError) as raised:
            self.client.query("INSERT INTO events (event_type, payload) "
                              "VALUES ('bad.msgpack', '\\xc1'::bytea)")
        self.assertRegex(raised.exception.sqlstate, "^22")

    def test_rolled_back(self):
        self.client.query("BEGIN")
        self.client.query(self.insert("bad.rolled_back", "{}"))
        self.client.query("ROLLBACK")

    def test_copy_bad_json(self):
        good = b'bad.copy\t{"n": 1}\n' * 2
        self.copy_fails("22P02", good + b'bad.copy\t{"n": \n' + good, r"COPY events, line 3")

    def test_copy_missing_column(self):
        self.copy_fails("22P04", b"bad.copy\n", r"COPY events, line 1")

    def test_copy_extra_column(self):
        self.copy_fails("22P04", b"bad.copy\t{}\tmore\n", r"COPY events, line 1")

    def test_copy_reserved_type(self):
        self.copy_fails("42501", b"bad.copy\t{}\nsynthetic.gap\t{}\n", r"line 2")

    def test_copy_invalid_utf8(self):
        self.copy_fails("22021", b'bad.copy\t{"a": "\xff"}\n', r"line 1")

    def test_copy_fail(self):
        self.client.begin_copy_in("COPY events (event_type, payload) FROM STDIN")
        self.client.send(message(b"d", b"bad.copy\t{}\n") + message(b"f", b"enough\0"))
        with self.assertRaises(PgError) as raised:
            self.client._read_results()
        self.assertEqual(raised.exception.sqlstate, "57014")

    def test_vanish_in_copy(self):
        for tail in (b"bad.copy\t{}\n", b"bad.copy\t{\"half"):
            client = SERVER.connect()
            client.begin_copy_in("COPY events (event_type, payload) FROM STDIN")
            client.send(message(b"d", b"bad.copy\t{}\n" * 1000 + tail))
            client.vanish()

    def test_bad_msgpack_over_the_event_socket(self):
        entry = struct.pack("<IHH", 1, 8, 0) + b"bad.kmes" + b"\xc1"
        truncated = struct.pack("<IHH", 4000000000, 8, 0) + b"bad.kmes"
        frames = [struct.pack("<IHH", 0x54494D45, 1, 0) + entry,
                  struct.pack("<IHH", 0x54494D45, 1, 0) + truncated,
                  struct.pack("<IHH", 0x54494D45, 65535, 0), b"x", b"\0" * 60000]
        for frame in frames:
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as emitter:
                emitter.settimeout(30)
                emitter.connect(str(SERVER.event_socket))
                self.assertEqual(emitter.recv(100)[:8], b"KMESSOCK")
                emitter.send(frame)
        time.sleep(0.3)  # longer than the longest commit delay: a stored one would be seen


class BadSessions(ServerGoesOn):
    def psql_fails(self, pattern, **options):
        done = SERVER.psql("-c", "SELECT 1", tcp=True, **options)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertRegex(done.stderr, pattern)

    def test_password_works(self):
        self.assertEqual(SERVER.query("SELECT current_user", tcp=True), [("admin",)])

    def test_wrong_password(self):
        self.psql_fails('password authentication failed for user "admin"', password="wrong")

    def test_unknown_role_over_tcp(self):
        # The same answer as for a wrong password: no hint whether the role exists.
        self.psql_fails('password authentication failed for user "nobody_here"', user="nobody_here",
                        password="wrong")

    def test_unknown_database(self):
        self.psql_fails('database "nosuch" does not exist', database="nosuch")

    def test_peer_as_another_role(self):
        done = SERVER.psql("-c", "SELECT 1", user="nobody_here")
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, "[Pp]eer authentication failed|does not exist")

    def raw(self):
        raw = socket.create_connection((SERVER.host, SERVER.port), timeout=30)
        self.addCleanup(raw.close)
        return raw

    def test_wrong_password_sqlstate(self):
        raw = self.raw()
        body = struct.pack("!i", 196608) + b"user\0admin\0database\0eventd\0\0"
        raw.sendall(struct.pack("!i", len(body) + 4) + body)
        answer = raw.recv(4096)
        if answer[:1] == b"R":  # SASL: answer nonsense
            name = b"SCRAM-SHA-256\0"
            first = b"n,,n=,r=abc"
            raw.sendall(message(b"p", name + struct.pack("!i", len(first)) + first))
            server_first = raw.recv(4096)
            nonce = re.search(rb"r=([^,]+),", server_first)[1]
            raw.sendall(message(b"p", b"c=biws,r=" + nonce + b",p=" + b"A" * 43 + b"="))
            answer = raw.recv(4096)
        self.assertEqual(answer[:1], b"E", answer)
        self.assertRegex(answer, rb"\0C(28P01|28000)\0")

    def test_half_a_startup_message(self):
        for piece in (b"\0", struct.pack("!ii", 100, 196608) + b"user\0ad", struct.pack("!i", 8)):
            raw = self.raw()
            raw.sendall(piece)
            raw.close()

    def test_garbage(self):
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 1000, b"\0" * 1000,
                        struct.pack("!ii", 2**31 - 1, 196608), struct.pack("!ii", 3, 196608)):
            raw = self.raw()
            try:
                raw.sendall(garbage)
                while raw.recv(4096):  # until the server closes
                    pass
            except ConnectionResetError:
                pass

    def test_garbage_in_a_session(self):
        for garbage in (b"\xff" * 100, b"Q" + struct.pack("!i", 2), b"Q" + struct.pack("!i", 2**31 - 1),
                        message(b"B", b"\0\0\xff\xff"), message(b"P", b"x")):
            client = SERVER.connect()
            try:
                client.send(garbage + message(b"S"))
                with self.assertRaises(ConnectionLost):
                    while True:
                        kind, _ = client.read_message()
                        if kind == b"Z":
                            client.vanish()
                            raise ConnectionLost
            except ConnectionLost:
                pass
            client.vanish()

    def test_garbage_in_tls(self):
        raw = self.raw()
        raw.sendall(struct.pack("!ii", 8, 80877103))
        self.assertEqual(raw.recv(1), b"S")
        raw.sendall(b"not a ClientHello" * 10)
        try:
            while raw.recv(4096):
                pass
        except ConnectionResetError:
            pass


class LongStatements(ServerGoesOn):
    def test_statement_timeout(self):
        self.client.query("SET statement_timeout = '200ms'")
        self.fails("57014", f"SELECT count(*) FROM {SLOW_ROWS}", "statement timeout")
        self.assertEqual(self.client.value("SELECT 1"), "1")

    def test_cancel(self):
        timer = threading.Timer(0.3, self.client.cancel)
        timer.start()
        self.addCleanup(timer.join)
        self.fails("57014", f"SELECT count(*) FROM {SLOW_ROWS}", "user request")
        self.assertEqual(self.client.value("SELECT 1"), "1")

    def test_cancel_with_a_wrong_key(self):
        self.client.secret ^= 1
        self.client.cancel()
        self.assertEqual(self.client.value("SELECT 1"), "1")

    def test_vanish_in_query(self):
        for sql in (f"SELECT count(*) FROM {SLOW_ROWS}", f"SELECT * FROM {SLOW_ROWS}"):
            client = SERVER.connect()
            client.send_query(sql)
            time.sleep(0.1)
            client.vanish()


class StartAndStop(unittest.TestCase):
    def test_second_server_refuses(self):
        with EventdServer(ARGUMENTS.bin_dir) as server:
            second = subprocess.run([str(server.bin_dir / "eventd"), "-D", str(server.directory), "-c",
                                     "port=0"], capture_output=True, text=True, timeout=60,
                                    check=False)
            self.assertNotEqual(second.returncode, 0)
            self.assertIn(str(server.directory), second.stderr)
            self.assertNotIn("ready ", second.stdout)
            self.assertEqual(server.query("SELECT 1"), [("1",)])

    def test_ends_with_status_0(self):
        with EventdServer(ARGUMENTS.bin_dir) as server:
            with server.connect() as client:
                client.query("INSERT INTO events (event_type, payload) VALUES ('app.last', '{}')")
                idle_end = server.stop()
            self.assertEqual(idle_end, 0, server.log_tail())
            server.start()
            self.assertEqual(server.query("SELECT count(*) FROM events WHERE event_type = 'app.last'"),
                             [("1",)])
            self.assertEqual(server.query("SELECT count(*) FROM events "
                                          "WHERE event_type = 'synthetic.shutdown'"), [("1",)])
            clean = server.query("SELECT payload->>'clean', payload->>'restart' FROM events WHERE "
                                 "event_type = 'synthetic.startup' ORDER BY timestamp")
            self.assertEqual(clean[1], ("true", "true"))

    def test_int_ends_too(self):
        with EventdServer(ARGUMENTS.bin_dir) as server:
            server.process.send_signal(signal.SIGINT)
            self.assertEqual(server.process.wait(60), 0)

    def test_bad_arguments(self):
        for arguments in (["-c", "nosuch=1"], ["-c", "storage_shards=-1"], ["--nosuch"], ["-D"],
                          ["-c", "ring_capacity=100000"]):
            with self.subTest(arguments=arguments), tempfile.TemporaryDirectory() as directory:
                done = run([pathlib.Path(ARGUMENTS.bin_dir) / "eventd", "-D", directory, *arguments],
                           timeout=60)
                self.assertNotEqual(done.returncode, 0)
                self.assertNotEqual(done.stderr, "")
                self.assertNotIn("ready ", done.stdout)


if __name__ == "__main__":
    e2e_test.main()
