"""A throw-away PostgreSQL 15 on a Unix socket: the reference for answers."""
import atexit
import os
import pathlib
import shutil
import subprocess
import tempfile

from pg_client import PgClient

BIN = pathlib.Path("/usr/lib/postgresql/15/bin")
# It listens on no TCP port, so any number does: the socket's directory is its own.
PORT = 5432


class PostgresServer:
    """Owned by one test; ends by its pid."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="pg-"))
        # PostgreSQL refuses to run as root.
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            shutil.chown(self.directory, self.user)
        self.process = None
        atexit.register(self.stop)

    def __enter__(self):
        data = self.directory / "data"
        self._run([BIN / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                   "--locale=C", "--no-sync"])
        self.process = subprocess.Popen(
            [str(BIN / "postgres"), "-D", str(data), "-k", str(self.directory), "-p", str(PORT),
             "-c", "listen_addresses=", "-c", "fsync=off", "-c", "TimeZone=UTC"],
            user=self.user, cwd=self.directory, stdout=subprocess.DEVNULL,
            stderr=open(self.directory / "log", "wb"))
        ready = [BIN / "pg_isready", "-q", "-h", self.directory, "-p", PORT, "-t", "60"]
        for _ in range(600):
            if subprocess.run([str(part) for part in ready], check=False).returncode == 0:
                break
            try:
                self.process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            raise RuntimeError((self.directory / "log").read_text())
        with self.connect(database="postgres") as client:
            client.query("CREATE DATABASE eventd")
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def connect(self, database="eventd", **options):
        return PgClient(self.directory, PORT, "postgres", database=database, **options)

    def _run(self, command):
        subprocess.run([str(part) for part in command], check=True, user=self.user,
                       cwd=self.directory, stdout=subprocess.DEVNULL)
