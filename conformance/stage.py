"""What every conformance run needs: Rollcall, a real SCIM app, and a road between them.

Python's standard library only. Nothing here waits for ever: every wait has a bound, and every
process is ended when the script ends, however it ends.
"""

import atexit
import http.client
import http.server
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
if not TARGET.is_absolute():
    TARGET = ROOT / TARGET

CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Failed(Exception):
    """The run shows something that must not be. The text is for people."""


def require(holds, text):
    """Ends the run with `text` unless `holds`."""
    if not holds:
        raise Failed(text)


def free_port():
    """A port nobody listens on, below the range from which the kernel serves clients."""
    for _ in range(200):
        port = random.randint(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Failed("no free port between 20000 and 32000")


def until(what, seconds, look, every=0.02):
    """Calls `look` until it answers something true, which is returned."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise Failed(f"waited {seconds} s, and still: {what}")
        time.sleep(every)


# Processes and folders ------------------------------------------------------------------------

_running, _logs = [], []


def _end_all(*_):
    for process in _running:
        if process.poll() is None:
            process.kill()
            process.wait()
    _running.clear()


atexit.register(_end_all)
# An ending by signal runs the clean-up too.
for _signal in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(_signal, lambda number, _: sys.exit(128 + number))


def start(command, log, **options):
    """Starts a process in a group of its own; its output goes to the file `log`."""
    with open(log, "ab") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **options,
        )
    _running.append(process)
    return process


def folder():
    """A new folder that goes when the script ends; with `KEEP` set it stays, and is named."""
    path = Path(tempfile.mkdtemp(prefix="rollcall-conformance."))
    if os.environ.get("KEEP"):
        print(f"Everything is kept in {path}")
    else:
        atexit.register(lambda: shutil.rmtree(path, ignore_errors=True))
    return path


def tools(what="python"):
    """The folder of the third parties' commands, installed when they are missing."""
    made = subprocess.run(
        [ROOT / "conformance/prepare", what],
        stdout=subprocess.PIPE,
        text=True,
        timeout=600,
        check=False,
    )
    require(made.returncode == 0, f"conformance/prepare could not install what it needs of {what}")
    return Path(made.stdout.strip().splitlines()[-1])


def binary(argument=None):
    """The `rollcall` to run: the argument, or `ROLLCALL_BIN`, or a debug build of this source."""
    given = argument or os.environ.get("ROLLCALL_BIN")
    if given:
        require(os.access(given, os.X_OK), f"{given} is no program")
        return Path(given).resolve()
    cargo = os.environ.get("CARGO", "cargo")
    subprocess.run([cargo, "build", "--quiet", "--bin", "rollcall"], cwd=ROOT, check=True)
    return TARGET / "debug/rollcall"


# Talking HTTP ---------------------------------------------------------------------------------


class Answer:
    """An HTTP answer with its JSON body, `None` when there is none."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.text = status, headers, body.decode("utf-8", "replace")
        try:
            self.json = json.loads(body) if body else None
        except ValueError:
            self.json = None


class Api:
    """A JSON API behind a bearer token, over one connection that is kept."""

    def __init__(self, base, token, kind="application/scim+json"):
        self.base, self.token, self.kind = urllib.parse.urlsplit(base), token, kind
        self.connection = None

    def send(self, method, path, body=None, headers=()):
        """One request; what may write is sent once. Raises `OSError` or `HTTPException` when no answer comes."""
        payload = None if body is None else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self.token}", "Accept": self.kind, **dict(headers)}
        if payload is not None:
            sent["Content-Type"] = self.kind
        kept = self.connection is not None
        if not kept:
            self.connection = http.client.HTTPConnection(self.base.netloc, timeout=20)
        try:
            self.connection.request(method, self.base.path + path, payload, sent)
            answer = self.connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection = None
            if kept and method == "GET":  # the server may have closed it long ago
                return self.send(method, path, body, headers)
            raise

    def call(self, method, path, body=None, expect=(200, 201, 202, 204)):
        """One request that must be answered with one of `expect`; returns the JSON."""
        answer = self.send(method, path, body)
        if answer.status not in expect:
            raise Failed(f"{method} {path} was answered {answer.status}: {answer.text[:600]}")
        return answer.json

    def all(self, path):
        """Every resource of a SCIM list, page by page."""
        found = []
        while True:
            page = self.call("GET", f"{path}?startIndex={len(found) + 1}&count=100")
            resources = page.get("Resources", [])
            found.extend(resources)
            if not resources or len(found) >= page["totalResults"]:
                return found

    def by(self, path, attribute, value):
        """The resources with this value; `attribute` is compared as the server compares it."""
        query = urllib.parse.quote(f"{attribute} eq {json.dumps(value)}")
        return self.call("GET", f"{path}?filter={query}").get("Resources", [])


# The programs ---------------------------------------------------------------------------------


class Rollcall:
    """A Rollcall on SQLite in a folder of its own."""

    def __init__(self, program, place):
        self.program, self.place, self.port = program, place, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = place / "rollcall.log"
        self.process = None
        _logs.append(self.log)
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("ROLLCALL_")},
            "NO_COLOR": "1",
            "ROLLCALL_LISTEN": f"127.0.0.1:{self.port}",
            "ROLLCALL_DATABASE_URL": f"sqlite:{place / 'rollcall.db'}",
            "ROLLCALL_KEY_FILE": str(place / "rollcall.key"),
        }

    def start(self):
        """Starts it and waits until it is ready."""
        self.process = start([self.program], self.log, cwd=self.place, env=self.environment)
        until("Rollcall is not ready:\n" + self.said(), 20, self._ready)
        return self

    def _ready(self):
        require(
            self.process.poll() is None,
            f"Rollcall ended with exit code {self.process.returncode}:\n{self.said()}",
        )
        try:
            return Api(self.url, "").send("GET", "/health/ready").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def kill(self):
        """SIGKILL: no farewell, no flush."""
        process = self.process  # another thread may start the next one as soon as this one is dead
        process.kill()
        process.wait()

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """SIGTERM; it must end by itself within 15 s, with exit code 0."""
        self.process.terminate()
        try:
            code = self.process.wait(15)
        except subprocess.TimeoutExpired:
            raise Failed("Rollcall does not stop on SIGTERM") from None
        require(code == 0, f"Rollcall stopped with exit code {code}:\n{self.said()}")

    def said(self, lines=30):
        """The end of its output."""
        text = self.log.read_text("utf-8", "replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def command(self, *words):
        """Runs a `rollcall` command and returns what it says on stdout."""
        done = subprocess.run(
            [self.program, *words],
            cwd=self.place,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        said = f"{done.stdout}{done.stderr}"
        require(done.returncode == 0, f"rollcall {' '.join(words)} failed:\n{said}")
        return done.stdout

    def token(self, name, scope, dialect="standard"):
        """A new token: the secret is all that may stand on stdout."""
        words = ["token", "create", name, "--scope", scope, "--dialect", dialect]
        secret = self.command(*words)
        require(
            len(secret.split()) == 1,
            "`rollcall token create` must print the secret, and only that, on stdout",
        )
        return secret.strip()


class App:
    """scim2-server from PyPI: a SCIM server that is not ours, and keeps everything in memory."""

    TOKEN = "the-app-knows-this-token"

    def __init__(self, place):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [tools() / "scim2-server", "--port", self.port, "--bearer-token", self.TOKEN]
        self.process = start(command, place / "app.log")
        self.api = Api(self.url, self.TOKEN)
        until("the app does not answer", 20, self._ready)

    def _ready(self):
        try:
            return self.api.send("GET", "/ServiceProviderConfig").status == 200
        except (OSError, http.client.HTTPException):
            return False


class Passed:
    """A request that went through the gate."""

    def __init__(self, method, path, status):
        self.at, self.method, self.path, self.status = time.monotonic(), method, path, status

    @property
    def writes(self):
        return self.method in ("POST", "PUT", "PATCH", "DELETE") and "/.search" not in self.path

    def __repr__(self):
        return f"{self.method} {self.path} → {self.status}"


class Gate:
    """A road to the app that counts what passes, can be closed, and can lose an answer.

    While it is closed nobody listens: a caller gets "connection refused", as from a server that is
    down. `lose` is asked after the app has answered; when it says yes, the answer is thrown away
    and the caller never learns that its request took effect.
    """

    def __init__(self, app):
        self.app, self.port = app, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.passed, self.lose = [], lambda _: False
        self.lock, self.connections, self.server = threading.Lock(), set(), None
        self.open()

    def open(self):
        gate = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def setup(self):
                super().setup()
                with gate.lock:
                    gate.connections.add(self.connection)

            def finish(self):
                with gate.lock:
                    gate.connections.discard(self.connection)
                try:
                    super().finish()
                except OSError:
                    pass

            def forward(self):
                gate._forward(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = forward

        class Server(http.server.ThreadingHTTPServer):
            allow_reuse_address, daemon_threads, request_queue_size = True, True, 128

            def handle_error(self, *_):
                pass  # a caller that was killed hangs up; that is the point of the exercise

        self.server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        with self.lock:
            for connection in self.connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _forward(self, caller):
        length = int(caller.headers.get("Content-Length") or 0)
        body = caller.rfile.read(length) if length else None
        own = ("connection", "keep-alive", "transfer-encoding")
        headers = {k: v for k, v in caller.headers.items() if k.lower() not in own}
        app = http.client.HTTPConnection("127.0.0.1", self.app.port, timeout=30)
        try:
            app.request(caller.command, caller.path, body, headers)
            answer = app.getresponse()
            content = answer.read()
        finally:
            app.close()
        passed = Passed(caller.command, caller.path, answer.status)
        with self.lock:
            self.passed.append(passed)
        if self.lose(passed):
            caller.close_connection = True
            caller.connection.shutdown(socket.SHUT_RDWR)
            return
        caller.send_response_only(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in (*own, "content-length"):
                caller.send_header(name, value)
        if answer.status != 204:
            caller.send_header("Content-Length", str(len(content)))
        caller.end_headers()
        if answer.status != 204:
            caller.wfile.write(content)

    def since(self, mark):
        """What passed after `mark`, a value of `len(gate.passed)`."""
        with self.lock:
            return self.passed[mark:]

    def quiet(self, seconds, patience):
        """Waits until nothing has written for `seconds`."""

        def still():
            with self.lock:
                writes = [passed.at for passed in self.passed if passed.writes]
            return not writes or time.monotonic() - writes[-1] > seconds

        until("the app is still being written to", patience, still, every=0.1)


def play(run):
    """Runs a script's `run`; a failure is told in words, with what Rollcall said last."""
    try:
        run()
        return
    except (Failed, subprocess.SubprocessError) as failure:
        told = str(failure)
    except (OSError, http.client.HTTPException) as failure:
        told = f"no answer: {failure!r}"
    sys.stdout.flush()
    for log in _logs:
        if log.exists():
            lines = log.read_text("utf-8", "replace").splitlines()
            telling = [line for line in lines if re.search(r" WARN | ERROR |panicked", line)][-12:]
            print(f"\nThe warnings in {log.name}:", *telling, sep="\n    ", file=sys.stderr)
    print(f"\nFAILED: {told}", file=sys.stderr)
    sys.exit(1)
