"""Starts the real service (host program, or Windows program under Wine) for the system tests.

Environment, set by ctest: GATEPOST_PROGRAM (path of the program), GATEPOST_KIND (host | windows), and for the latter
GATEPOST_WINE (cmake/wine-run, which makes the Wine prefix and keeps its server alive).

Nothing here sleeps for a fixed time and hopes: wait_for() polls a condition and fails with its name.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

PROGRAM = os.environ["GATEPOST_PROGRAM"]
KIND = os.environ.get("GATEPOST_KIND", "host")
PATIENCE = 120  # seconds until a condition counts as never met; generous, since machines are slow at times

EVENT_STARTED, EVENT_STOPPED, EVENT_START_FAILED, EVENT_UNCLEAN = 100, 101, 102, 103
EVENT_LISTENING, EVENT_LISTEN_FAILED, EVENT_FILTER_NOT_APPLIED = 200, 201, 203
EVENT_SETTINGS_CHANGED = 300
EVENT_STORE_FAILED, EVENT_STORE_RECOVERED, EVENT_DISK_LOW, EVENT_DISK_ENOUGH = 400, 401, 402, 403
EVENT_NEXT_HOP_FAILED, EVENT_NEXT_HOP_RECOVERED = 600, 601


if KIND == "windows":
    # wine-run starts Wine's server for us; later programs are started directly, so that the process that a test kills is
    # the service itself.
    subprocess.run([os.environ["GATEPOST_WINE"], "cmd", "/c", "exit"], check=True, stdin=subprocess.DEVNULL)
    CACHE = os.environ.get("GATEPOST_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "gatepost")
    os.environ.setdefault("WINEPREFIX", os.environ.get("GATEPOST_WINE_PREFIX") or os.path.join(CACHE, "wine"))
    os.environ.setdefault("WINEDEBUG", "-all")


def native_path(path):
    """A path as the program under test takes it."""
    return "Z:" + str(path).replace("/", "\\") if KIND == "windows" else str(path)


RUNNING = {}  # services that shall run: process -> Service


def wait_for(what, condition, patience=PATIENCE):
    """Returns the first true value of condition(); fails with `what` when there is none in time or a service that shall
    run has ended."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        for process, service in RUNNING.items():
            if process.poll() is not None:
                raise AssertionError(f"the service ended with {process.returncode} before: {what}\n{service.printed()}")
        if time.monotonic() > end:
            raise AssertionError(f"did not happen: {what}")
        time.sleep(0.02)


def free_port(address="127.0.0.1"):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


class Service:
    """One installation: a data folder, its settings, and the running program."""

    def __init__(self, folder, settings):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.data.mkdir(parents=True, exist_ok=True)
        self.process = None
        self.output = None
        if settings is not None:
            (self.data / "initial-settings.json").write_text(json.dumps(settings), encoding="utf-8")

    @staticmethod
    def command(*arguments):
        return (["wine"] if KIND == "windows" else []) + [PROGRAM, *arguments]

    def spawn(self):
        self.output = open(self.folder / "output.txt", "ab")
        self.process = subprocess.Popen(
            self.command("run", "--data", native_path(self.data)),
            stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output)

    def start(self):
        """Returns when the service says that it has started."""
        seen = len(self.events(EVENT_STARTED))
        self.spawn()

        def started():
            if self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode}: {self.printed()}")
            return len(self.events(EVENT_STARTED)) > seen
        wait_for("the service starts", started)
        RUNNING[self.process] = self
        return self

    def start_and_fail(self):
        """Starts what cannot start; returns its exit code."""
        self.spawn()
        return self.wait_ended()

    def wait_ended(self):
        RUNNING.pop(self.process, None)
        code = self.process.wait(PATIENCE)
        self.output.close()
        return code

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return None
        self.cli("stop")
        return self.wait_ended()

    def kill(self):
        """As a crash: no handler runs."""
        self.process.send_signal(signal.SIGKILL)
        self.wait_ended()

    def clean_up(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.kill()
        else:
            self.wait_ended()

    def printed(self):
        return (self.folder / "output.txt").read_text(errors="replace")

    def events(self, number=None):
        """Lines of the event journal, optionally those of one number."""
        try:
            lines = (self.data / "events.log").read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        matches = [(re.match(r"\S+ (\d+) ", line), line) for line in lines]
        return [line for match, line in matches if match and number in (None, int(match.group(1)))]

    def cli(self, *arguments, check=True, stdin=None):
        """Runs a verb against this installation; returns the finished process."""
        done = subprocess.run(self.command(*arguments, "--data", native_path(self.data)), input=stdin,
                              capture_output=True, timeout=PATIENCE, text=True, encoding="utf-8")
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def json(self, *arguments):
        return json.loads(self.cli(*arguments, "--json").stdout)

    def track(self, **conditions):
        """All events that match, newest first; waits for nothing."""
        arguments = ["track", "--limit", "1000"]
        for name, value in conditions.items():
            arguments += ["--" + name.replace("_", "-"), str(value)]
        return self.json(*arguments)["events"]

    def wait_tracked(self, count=1, **conditions):
        found = []

        def enough():
            found[:] = self.track(**conditions)
            return len(found) >= count
        wait_for(f"{count} tracking events with {conditions}", enough)
        return found

    def waiting(self):
        """Messages in the queue."""
        return self.json("status")["queue"]["messages"]

    def drop_files(self):
        folder = self.data / "Drop"
        return sorted(folder.glob("*.eml")) if folder.is_dir() else []

    def badmail_files(self):
        folder = self.data / "Badmail"
        return sorted(folder.glob("*.eml")) if folder.is_dir() else []


def settings(port, **changes):
    """A document with one virtual server on 127.0.0.1:port and example.test delivered to the drop folder."""
    document = {
        "virtual_servers": [{
            "name": "Default SMTP Virtual Server",
            "host_name": "gate.example.test",
            "addresses": [{"address": "127.0.0.1", "port": port}],
        }],
        "accepted_domains": [{"domain": "example.test", "deliver_to": "drop"}],
        "store": {"minimum_free": 0},
        # All clients of the tests come from a few addresses, and many are refused: the harvest defence would slow them
        # down and hold them off. What tests it (test_harvest.py) switches it on.
        "harvest": {"tarpit": 0, "session_unknown": 0, "source_unknown": 0},
    }
    for name, value in changes.items():
        if isinstance(value, dict) and isinstance(document.get(name), dict):
            document[name].update(value)
        else:
            document[name] = value
    return document


class SystemTest(unittest.TestCase):
    """Gives each test a folder of its own and ends what it started."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gatepost-test-"))
        self.addCleanup(self._remove_folder)

    def _remove_folder(self):
        failed = any(error for _, error in getattr(self._outcome, "errors", []) or [])
        result = getattr(self._outcome, "result", None)
        failed = failed or (result is not None and any(test is self for test, _ in result.failures + result.errors))
        if failed:
            for name in ("output.txt", "data/events.log", "data/gatepost.log"):
                for path in sorted(self.folder.glob("**/" + name)):
                    print(f"--- {path}\n{path.read_text(errors='replace')[-6000:]}")
        shutil.rmtree(self.folder, ignore_errors=True)

    def service(self, document, recipients=(), start=True, name="service"):
        service = Service(self.folder / name, document)
        self.addCleanup(service.clean_up)
        if start:
            service.start()
            for recipient in recipients:
                service.cli("recipient", "add", recipient)
        return service

    def standard(self, recipients=("info@example.test", "sales@example.test"), **changes):
        """A service on a free port; returns it and the port."""
        port = free_port()
        return self.service(settings(port, **changes), recipients), port


class Client:
    """A raw SMTP client: what is sent and read is exactly what the test says."""

    def __init__(self, port, address="127.0.0.1", greet=True, source=None):
        self.socket = socket.create_connection((address, port), timeout=PATIENCE,
                                               source_address=(source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""
        self.greeting = self.reply() if greet else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode("utf-8") if isinstance(data, str) else data)

    def line(self):
        while b"\n" not in self.pending:
            received = self.socket.recv(65536)
            if not received:
                raise EOFError(self.pending)
            self.pending += received
        line, self.pending = self.pending.split(b"\n", 1)
        if not line.endswith(b"\r"):
            raise AssertionError(f"reply line ends without CR: {line!r}")
        return line[:-1].decode("utf-8")

    def reply(self):
        """The next reply with all its lines joined by newlines."""
        lines = []
        while True:
            lines.append(self.line())
            if not re.match(r"\d{3}[ -]", lines[-1]):
                raise AssertionError(f"not a reply line: {lines[-1]!r}")
            if lines[-1][3] == " ":
                return "\n".join(lines)

    def ask(self, command):
        self.send(command + "\r\n")
        return self.reply()

    def closed(self):
        """True when the server closes without saying more."""
        try:
            return self.pending == b"" and self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def message(self, sender, recipients, content):
        """A whole transaction; returns the replies to MAIL, each RCPT, DATA and the end of the content."""
        replies = [self.ask(f"MAIL FROM:<{sender}>")]
        replies += [self.ask(f"RCPT TO:<{recipient}>") for recipient in recipients]
        replies.append(self.ask("DATA"))
        if replies[-1].startswith("354"):
            self.send(content + "\r\n.\r\n")
            replies.append(self.reply())
        return replies


@contextlib.contextmanager
def tool(*command):
    """A helper program that is ended with the block."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=PATIENCE)


def wait_listening(port, address="127.0.0.1"):
    def connects():
        try:
            socket.create_connection((address, port), timeout=1).close()
            return True
        except OSError:
            return False
    wait_for(f"{address}:{port} listens", connects)


def smtp_source(port, count, sessions=16, length=4096, sender="load@elsewhere.test",
                recipient="info@example.test", *more):
    """Postfix's load client, once; returns the finished process."""
    return subprocess.run(
        ["/usr/sbin/smtp-source", "-c", "-s", str(sessions), "-m", str(count), "-l", str(length),
         "-f", sender, "-t", recipient, *more, f"127.0.0.1:{port}"],
        capture_output=True, text=True, timeout=600)
