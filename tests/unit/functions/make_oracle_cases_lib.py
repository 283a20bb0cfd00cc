"""Shared by the generators of test tables: C strings and PostgreSQL's answers."""
import subprocess


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def c_string(text):
    out = ""
    for byte in text.encode():
        out += chr(byte) if 32 <= byte < 127 and byte not in b'"\\?' else "\\%03o" % byte
    return '"' + out + '"'


def outcome(connection, query):
    """The initialiser of text, sqlstate, is_null."""
    psql = connection.split() + ["-X", "-At", "-q", "-v", "VERBOSITY=verbose", "-P", "null=\\N"]
    run = subprocess.run(psql + ["-c", query], capture_output=True, text=True)
    if run.returncode == 0:
        result = run.stdout[:-1]
        return '"", "", true' if result == "\\N" else '%s, "", false' % c_string(result)
    error = run.stderr.split("\n")[0]
    state, message = error.split("ERROR:  ", 1)[1].split(": ", 1)
    return '%s, "%s", false' % (c_string(message), state)
