"""A small client of PostgreSQL's protocol over a Unix socket: simple queries and COPY in.

For tests that need what psql hides: column type OIDs, error fields, a connection that vanishes at a
chosen moment. No passwords: peer or trust only.
"""
import socket
import struct

COPY_CHUNK_BYTES = 65536
# Names of the type OIDs that tests meet; others print as numbers.
TYPE_NAMES = {
    16: "bool", 17: "bytea", 18: '"char"', 19: "name", 20: "int8", 21: "int2", 23: "int4",
    25: "text", 26: "oid", 114: "json", 650: "cidr", 700: "float4", 701: "float8",
    705: "unknown", 829: "macaddr", 869: "inet", 1000: "bool[]", 1005: "int2[]", 1007: "int4[]",
    1009: "text[]", 1015: "varchar[]", 1016: "int8[]", 1021: "float4[]", 1022: "float8[]",
    1042: "bpchar", 1043: "varchar", 1082: "date", 1083: "time", 1114: "timestamp",
    1115: "timestamp[]", 1182: "date[]", 1184: "timestamptz", 1185: "timestamptz[]",
    1186: "interval", 1231: "numeric[]", 1266: "timetz", 1700: "numeric", 2249: "record",
    2278: "void", 2950: "uuid", 2951: "uuid[]", 3802: "jsonb", 3807: "jsonb[]", 4072: "jsonpath",
}


class PgError(Exception):
    """An ErrorResponse; `fields` by their one-letter codes."""

    def __init__(self, fields):
        super().__init__(f"{fields.get('C')}: {fields.get('M')}")
        self.fields = fields
        self.sqlstate = fields.get("C", "")
        self.message = fields.get("M", "")
        self.position = int(fields["P"]) if "P" in fields else None
        self.context = fields.get("W", "")


class ConnectionLost(Exception):
    """The server closed the connection, or is not there."""


class Result:
    """What one statement gave: rows of text values, or only a command tag."""

    def __init__(self):
        self.columns = None  # [(name, type OID)], None when the statement returns no rows
        self.rows = []
        self.tag = ""


def parse_fields(body):
    fields = {}
    for part in body.rstrip(b"\0").split(b"\0"):
        fields[chr(part[0])] = part[1:].decode()
    return fields


def message(kind, body=b""):
    return kind + struct.pack("!i", len(body) + 4) + body


def parse_row_description(body):
    columns = []
    (count,) = struct.unpack_from("!h", body)
    at = 2
    for _ in range(count):
        end = body.index(0, at)
        (type_oid,) = struct.unpack_from("!I", body, end + 7)
        columns.append((body[at:end].decode(), type_oid))
        at = end + 19
    return columns


def parse_data_row(body, parse_value):
    values = []
    (count,) = struct.unpack_from("!h", body)
    at = 2
    for _ in range(count):
        (size,) = struct.unpack_from("!i", body, at)
        at += 4
        if size < 0:
            values.append(None)
        else:
            values.append(parse_value(body[at:at + size]))
            at += size
    return values


class PgClient:
    """One connection. Used by one thread."""

    def __init__(self, host, port, user, database="eventd", options=None, timeout_s=60):
        self.process_id = self.secret = None
        self.transaction_status = ""
        self.notices = []
        self.address = f"{host}/.s.PGSQL.{port}"
        self._buffer = b""
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout_s)
        parameters = {"user": user, "database": database, "client_encoding": "UTF8"}
        parameters.update(options or {})
        body = struct.pack("!i", 196608)
        for name, value in parameters.items():
            body += name.encode() + b"\0" + value.encode() + b"\0"
        try:
            self.socket.connect(self.address)
            self.send(struct.pack("!i", len(body) + 5) + body + b"\0")
            self._start()
        except OSError as error:
            self.socket.close()
            raise ConnectionLost(str(error)) from error
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends the session as a client should."""
        try:
            self.socket.sendall(message(b"X"))
        except OSError:
            pass
        self.socket.close()

    def vanish(self):
        """Closes the socket without a word."""
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise ConnectionLost(str(error)) from error

    def read_message(self):
        """(kind, body) of the next message."""
        header = self._read(5)
        (size,) = struct.unpack("!i", header[1:])
        return header[:1], self._read(size - 4)

    def send_query(self, sql):
        self.send(message(b"Q", sql.encode() + b"\0"))

    def query(self, sql):
        """The Results of all statements of `sql`; raises the first PgError after ReadyForQuery."""
        self.send_query(sql)
        return self._read_results()

    def rows(self, sql):
        return self.query(sql)[-1].rows

    def value(self, sql):
        return self.rows(sql)[0][0]

    def query_binary(self, sql):
        """One statement in the extended protocol: a Result with values as binary's bytes."""
        return self._extended(sql, [], 1, bytes)

    def query_with(self, sql, parameters):
        """One statement in the extended protocol with its parameters as text (None = NULL)."""
        return self._extended(sql, parameters, 0, bytes.decode)

    def _extended(self, sql, parameters, result_format, parse_value):
        values = b""
        for value in parameters:
            text = b"" if value is None else value.encode()
            values += struct.pack("!i", -1 if value is None else len(text)) + text
        self.send(message(b"P", b"\0" + sql.encode() + b"\0\0\0")
                  + message(b"B", b"\0\0" + struct.pack("!hh", 0, len(parameters)) + values
                            + struct.pack("!hh", 1, result_format))
                  + message(b"D", b"P\0") + message(b"E", b"\0" + struct.pack("!i", 0))
                  + message(b"S"))
        return self._read_results(parse_value)[-1]

    def copy_in(self, sql, data):
        """COPY … FROM STDIN with `data` (bytes); the command tag."""
        self.begin_copy_in(sql)
        for at in range(0, len(data), COPY_CHUNK_BYTES):
            self.send(message(b"d", data[at:at + COPY_CHUNK_BYTES]))
        self.send(message(b"c"))
        return self._read_results()[-1].tag

    def begin_copy_in(self, sql):
        self.send_query(sql)
        while True:
            kind, body = self.read_message()
            if kind == b"G":
                return
            if kind == b"E":
                self._raise_when_ready(PgError(parse_fields(body)))

    def cancel(self):
        """Asks the server, on a connection of its own, to cancel what this session runs."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
            other.settimeout(self.socket.gettimeout())
            other.connect(self.address)
            other.sendall(struct.pack("!iiii", 16, 80877102, self.process_id, self.secret))
            other.recv(1)

    def _start(self):
        while True:
            kind, body = self.read_message()
            if kind == b"E":
                raise PgError(parse_fields(body))
            if kind == b"R" and struct.unpack_from("!i", body)[0] != 0:
                raise PgError({"C": "28000", "M": "the server asks for a password"})
            if kind == b"K":
                self.process_id, self.secret = struct.unpack("!ii", body)
            if kind == b"Z":
                self.transaction_status = body.decode()
                return

    def _read_results(self, parse_value=bytes.decode):
        results, error, current = [], None, Result()
        while True:
            kind, body = self.read_message()
            if kind == b"T":
                current.columns = parse_row_description(body)
            elif kind == b"D":
                current.rows.append(parse_data_row(body, parse_value))
            elif kind in (b"C", b"I"):
                current.tag = body[:-1].decode()
                results.append(current)
                current = Result()
            elif kind == b"N":
                self.notices.append(parse_fields(body))
            elif kind == b"E":
                error = error or PgError(parse_fields(body))
            elif kind == b"Z":
                self.transaction_status = body.decode()
                if error:
                    raise error
                return results

    def _raise_when_ready(self, error):
        while self.read_message()[0] != b"Z":
            pass
        raise error

    def _read(self, size):
        while len(self._buffer) < size:
            try:
                data = self.socket.recv(max(65536, size - len(self._buffer)))
            except OSError as error:
                raise ConnectionLost(str(error)) from error
            if not data:
                raise ConnectionLost("the server closed the connection")
            self._buffer += data
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken
