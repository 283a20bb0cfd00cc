"""Starts, stops and kills one eventd for a test, on a directory of its own and a free port.

Every process is ended by its pid, also when the test fails (context manager, atexit).
"""
import atexit
import os
import pathlib
import pwd
import select
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.parse

from pg_client import PgClient

# Generous: under a sanitizer, with other tests beside.
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60


class ServerFailed(Exception):
    pass


def os_user():
    return pwd.getpwuid(os.geteuid()).pw_name


def run(command, **options):
    """A finished process with text output; never raises for its status."""
    return subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          timeout=options.pop("timeout", 300), **options)


class EventdServer:
    """`settings` are -c options. The directory is removed at the end unless it was given."""

    def __init__(self, bin_dir, settings=None, directory=None):
        self.bin_dir = pathlib.Path(bin_dir)
        self.settings = dict(settings or {})
        self._own_directory = directory is None
        # Short: the path of a Unix socket has 107 bytes.
        self.directory = pathlib.Path(directory or tempfile.mkdtemp(prefix="eventd-"))
        self.process = None
        self.port = None
        self.host = None
        atexit.register(self.kill)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()
        if self._own_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def start(self):
        command = [self.bin_dir / "eventd", "-D", self.directory, "-c", "port=0"]
        for name, value in self.settings.items():
            command += ["-c", f"{name}={value}"]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([str(part) for part in command],
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=log)
        line = self._read_ready_line()
        url = urllib.parse.urlsplit(line.split()[1])
        self.host, self.port = url.hostname, url.port

    def _read_ready_line(self):
        output = self.process.stdout
        deadline = time.monotonic() + START_TIMEOUT_S
        text = b""
        while not text.endswith(b"\n") or not text.splitlines()[-1].startswith(b"ready "):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([output], [], [], left)[0]:
                self._fail_start("is not ready after %d s" % START_TIMEOUT_S)
            byte = os.read(output.fileno(), 1)
            if not byte:
                self._fail_start("ended with status %s" % self.process.wait())
            text += byte
        return text.splitlines()[-1].decode()

    def _fail_start(self, what):
        self.kill()
        raise ServerFailed(f"eventd {what}; its log ends:\n{self.log_tail()}")

    def stop(self):
        """TERM; the exit status."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerFailed(f"eventd did not end; its log ends:\n{self.log_tail()}") from None
        self._forget()
        return status

    def kill(self):
        """kill -9; nothing when it does not run."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        self._forget()

    def restart(self):
        self.stop()
        self.start()

    def _forget(self):
        self.process.stdout.close()
        self.process = None

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def log_path(self):
        return self.directory / "eventd.log"

    @property
    def event_socket(self):
        return self.directory / "event.sock"

    def log_tail(self, lines=30):
        try:
            return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return "(no log)"

    @property
    def admin_password(self):
        return (self.directory / "admin.password").read_text().strip()

    def connect(self, **options):
        """A PgClient over the Unix socket, as the OS user."""
        return PgClient(self.directory, self.port, os_user(), **options)

    def psql(self, *arguments, tcp=False, password=None, user=None, database="eventd", stdin=None):
        """psql -X -A -t over the socket (peer) or over TCP with TLS and a password."""
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("PG")}
        if tcp:
            conninfo = (f"host={self.host} port={self.port} user={user or 'admin'} "
                        f"dbname={database} sslmode=require")
            environment["PGPASSWORD"] = self.admin_password if password is None else password
        else:
            conninfo = (f"host={self.directory} port={self.port} user={user or os_user()} "
                        f"dbname={database}")
        return run(["psql", conninfo, "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                    "-v", "VERBOSITY=verbose", *arguments], env=environment, input=stdin)

    def query(self, sql, **options):
        """Rows of psql's unaligned output, split at |; raises when psql fails."""
        done = self.psql("-c", sql, **options)
        if done.returncode != 0:
            raise AssertionError(f"psql failed on {sql!r}:\n{done.stderr}")
        return [tuple(line.split("|")) for line in done.stdout.splitlines()]

    def evctl(self, *arguments):
        return run([self.bin_dir / "evctl", "-D", self.directory, *arguments])
