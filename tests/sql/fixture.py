"""The events every *.test file finds: the same in eventd and in PostgreSQL. All types begin with t."""
import json

COLUMNS = """timestamp timestamptz, event_type text, origin_class int2, cpu_id int4, sequence int8,
 process_guid uuid, effective_token_guid uuid, true_token_guid uuid, boot_id uuid, payload jsonb,
 timestamp_ns int8"""

USERS = ["anna", "Bert", "carla", "ÉMILE", "dora", None]
HOSTS = ["web-1", "web-2", "db-1"]
STATUS = [200, 200, 200, 404, 500, 302, 200]
PATHS = ["/", "/login", "/api/v1/items", "/api/v1/items/42?x=1%20y", "/img/logo.png"]

# Rows that break things: kinds that change, missing, null, nested, odd keys, extreme numbers.
ODD = [
    ("t.odd", {"x": 1}), ("t.odd", {"x": 1.5}), ("t.odd", {"x": "1"}), ("t.odd", {"x": None}),
    ("t.odd", {"x": True}), ("t.odd", {"x": [1, 2, 3]}), ("t.odd", {"x": {"y": {"z": "deep"}}}),
    ("t.odd", {}), ("t.odd", {"x": ""}), ("t.odd", {"x": "tab\there \"quoted\" \\ slash\nline"}),
    ("t.odd", {"x": "naïve Straße 日本語 🙂"}), ("t.odd", {"x": 9223372036854775807}),
    ("t.odd", {"x": -9223372036854775808}), ("t.odd", {"x": 18446744073709551615}),
    ("t.odd", {"x": 0.1}), ("t.odd", {"x": -0.0001}), ("t.odd", {"x": 1e300}),
    ("t.odd", {"a.b": "dotted", "a": {"b": "nested"}, "": "empty key", "Upper": "U", "zz": 1, "b": 2}),
    ("t.scalar", 42), ("t.scalar", "only text"), ("t.scalar", [1, "two", None, {"three": 3}]),
    ("t.scalar", None), ("t.scalar", True),
]


def events():
    """(event_type, payload as JSON text), 83 in all."""
    out = []
    for n in range(40):
        payload = {"n": n, "host": HOSTS[n % 3], "status": STATUS[n % 7], "path": PATHS[n % 5],
                   "ms": round(1.25 * n * n % 97, 2), "bytes": n * 1000003 % 65536,
                   "at": f"2024-02-{28 + n // 20:02d}T{n % 24:02d}:{n * 7 % 60:02d}:00Z",
                   "ok": n % 4 != 0}
        if USERS[n % 6] is not None:
            payload["user"] = USERS[n % 6]
        out.append(("t.request", json.dumps(payload, ensure_ascii=False)))
    for n in range(20):
        payload = {"n": n, "user": USERS[n % 5], "ip": f"10.0.{n % 4}.{n}", "tags": ["a", "b", "c"][:n % 4],
                   "session": {"id": f"s{n // 2}", "age": n * 3}, "failed": n % 3 == 0}
        out.append(("t.login", json.dumps(payload, ensure_ascii=False)))
    out += [(name, json.dumps(payload, ensure_ascii=False)) for name, payload in ODD]
    return out


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def insert_statements():
    for name, payload in events():
        yield ("INSERT INTO events (event_type, payload) VALUES "
               f"({quoted(name)}, {quoted(payload)}::jsonb)")


def load_into_eventd(client):
    for statement in insert_statements():
        client.query(statement)


def load_into_postgres(client):
    client.query(f"CREATE TABLE events ({COLUMNS})")
    client.query("ALTER TABLE events ALTER timestamp SET DEFAULT clock_timestamp(), "
                 "ALTER origin_class SET DEFAULT 0")
    for statement in insert_statements():
        client.query(statement)
