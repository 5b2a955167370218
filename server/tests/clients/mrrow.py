"""The server as a process on a data directory of its own: start, requests, stop by SIGTERM."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import httpx

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60
ADMIN_KEY_LINE = "admin key, shown this once: "
LISTENING_LINE = "listening on "


def binary():
    """The binary under test."""
    path = os.environ.get("MRROW_BIN")
    if not path or not Path(path).is_file():
        raise RuntimeError(f'MRROW_BIN must name the mrrow binary (it is "{path}"); build it with cargo build --workspace')
    return path


class Mrrow:
    """A running server with its address and the admin key that its first start printed."""

    def __init__(self, directory, *arguments):
        self.directory = Path(directory)
        self.url = None
        self.admin_key = None
        self.secrets = []
        self.log = []
        self._known = threading.Event()
        command = [binary(), "--data", str(self.directory), "serve", "--listen", "127.0.0.1:0", *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        if not self._known.wait(START_SECONDS_MAX) or not self.url:
            self.process.kill()
            raise RuntimeError(f"the server did not start: {self.tail()}")

    def _read_log(self):
        for line in self.process.stderr:
            if line.startswith(ADMIN_KEY_LINE):
                self.admin_key = line.removeprefix(ADMIN_KEY_LINE).strip()
                self.secrets.append(self.admin_key)
                continue
            self.log.append(line)
            if self.url is None and line.startswith(LISTENING_LINE):
                self.url = line.removeprefix(LISTENING_LINE).strip()
                self._known.set()
        self._known.set()

    def tail(self):
        """The end of the log, for messages."""
        return "".join(self.log[-40:])

    def command(self, *arguments):
        """Runs a command on the server's directory and returns what it prints."""
        done = subprocess.run([binary(), "--data", str(self.directory), *arguments], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"mrrow {' '.join(arguments)} ended with {done.returncode}: {done.stderr}"
        return done.stdout.strip()

    def new_key(self, role, *arguments):
        """A new API key."""
        key = self.command("keys", "create", "--name", f"a {role} of the tests", "--role", role, *arguments)
        self.secrets.append(key)
        return key

    def new_source(self, name, *arguments):
        """The id of a new data source."""
        return self.command("sources", "create", name, *arguments)

    def request(self, method, path, key=None, **request):
        """Sends a request, by default with the admin key."""
        headers = {"Authorization": f"Bearer {key or self.admin_key}", **request.pop("headers", {})}
        return httpx.request(method, self.url + path, headers=headers, timeout=30, **request)

    def sql(self, statement, key=None):
        """The rows of a statement."""
        answer = self.request("POST", "/v1/sql", key, json={"sql": statement})
        assert answer.status_code == 200, answer.text
        return answer.json()["rows"]

    def wait_for_sql(self, statement, rows, seconds=10):
        """Waits until a statement returns these rows: pushed rows are published a little later."""
        last_try_at = time.monotonic() + seconds
        while (given := self.sql(statement)) != rows:
            assert time.monotonic() < last_try_at, f"{statement} gives {given}, not {rows}"
            time.sleep(0.05)

    def stop(self):
        """Stops the server by SIGTERM. It must exit with 0, leave a valid store, and expose no secret."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(STOP_SECONDS_MAX)
        self._reader.join(STOP_SECONDS_MAX)
        assert code == 0, f"the server ended with {code}: {self.tail()}"
        self.command("verify")
        self.check_no_secret_is_exposed()

    def check_no_secret_is_exposed(self):
        """Checks that no key is in the log or in a file."""
        places = {"the log": "".join(self.log).encode()}
        for path in self.directory.rglob("*"):
            if path.is_file():
                places[str(path)] = path.read_bytes()
        exposed = [place for place, content in places.items() for secret in self.secrets if secret.encode() in content]
        assert not exposed, f"a secret is in {exposed}"
