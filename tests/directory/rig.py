"""Runs the directory (the program directory_driver) against the servers of tests/lab.

Environment, set by ctest: GATEPOST_DRIVER (path of the program), GATEPOST_KIND (host | windows), and for the latter
GATEPOST_WINE (cmake/wine-run).
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lab"))

DRIVER = os.environ["GATEPOST_DRIVER"]
KIND = os.environ.get("GATEPOST_KIND", "host")
PATIENCE = 60  # seconds until a condition counts as never met
EVENT_FILLED, EVENT_AWAY, EVENT_BACK = 503, 504, 505

if KIND == "windows":
    # wine-run starts Wine's server for us; the program is started directly, so that its pipes are ours.
    subprocess.run([os.environ["GATEPOST_WINE"], "cmd", "/c", "exit"], check=True, stdin=subprocess.DEVNULL)
    CACHE = os.environ.get("GATEPOST_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "gatepost")
    os.environ.setdefault("WINEPREFIX", os.environ.get("GATEPOST_WINE_PREFIX") or os.path.join(CACHE, "wine"))
    os.environ.setdefault("WINEDEBUG", "-all")


def native_path(path):
    """A path as the program under test takes it."""
    return "Z:" + str(path).replace("/", "\\") if KIND == "windows" else str(path)


def wait_for(what, condition, patience=PATIENCE):
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"did not happen: {what}")
        time.sleep(0.02)


class Directory:
    """The program, with its settings and its database."""

    def __init__(self, folder, settings):
        self.folder = pathlib.Path(folder)
        self.settings = dict(settings)
        self.process = None
        self.collector = None
        self.events = []

    def start(self):
        settings = self.folder / "settings.json"
        settings.write_text(json.dumps(self.settings), encoding="utf-8")
        command = ["wine"] if KIND == "windows" else []
        self.process = subprocess.Popen(
            command + [DRIVER, native_path(settings), native_path(self.folder / "directory.db")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8")
        self.collector = threading.Thread(target=self.collect, args=(self.process.stderr,))
        self.collector.start()
        started = json.loads(self.process.stdout.readline())
        if not started["started"]:
            self.wait_ended()
        return started

    def collect(self, stream):
        for line in stream:
            self.events.append(line.rstrip("\n"))

    def wait_ended(self):
        code = self.process.wait(PATIENCE)
        self.collector.join(PATIENCE)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()
        return code

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the directory ended: {self.events[-40:]}")
        return json.loads(line)

    def status(self):
        return self.ask("status")

    def find(self, address):
        return self.ask(f"find {address}")["answer"]

    def seen(self, number):
        return [event for event in self.events if event.startswith(f"{number} ")]

    def wait_state(self, state, patience=PATIENCE):
        return wait_for(f"the directory is {state}, not {self.status()}",
                        lambda: (lambda status: status if status["state"] == state else None)(self.status()), patience)

    def wait_find(self, address, answer, patience=PATIENCE):
        wait_for(f"{address} is {answer}", lambda: self.find(address) == answer, patience)

    def stop(self):
        """Fails unless it ends soon, and well: sanitizers report at the end. Returns the seconds it took."""
        if self.process is None or self.process.poll() is not None:
            return 0
        begin = time.monotonic()
        self.process.stdin.close()
        code = self.wait_ended()
        took = time.monotonic() - begin
        if code != 0:
            raise AssertionError(f"the directory ended with {code}: {self.events[-60:]}")
        return took

    def kill(self):
        self.process.kill()
        self.wait_ended()


class Case(unittest.TestCase):
    """A folder for each test; the server is the class's, started in its own folder by set_up_server()."""

    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory(prefix="gp-")
        cls.server = cls.make_server(pathlib.Path(cls.holder.name) / "server")
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.holder.cleanup()

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="gp-")
        self.directories = []
        if not self.server.is_running():
            self.server.start()

    def tearDown(self):
        self.server.thaw()
        for directory in self.directories:
            directory.stop()
        self.folder.cleanup()

    def make_directory(self, **settings):
        folder = pathlib.Path(self.folder.name) / str(len(self.directories))
        folder.mkdir()
        directory = Directory(folder, {**self.usual_settings(), **settings})
        self.directories.append(directory)
        return directory

    def start_directory(self, **settings):
        """Filled and current."""
        directory = self.make_directory(**settings)
        self.assertEqual(directory.start(), {"started": True, "error": ""})
        directory.wait_state("current")
        return directory

    def assert_equals_search(self, directory, entries):
        """entries: lists of addresses as the server has them."""
        wanted = sorted({address.lower() for addresses in entries for address in addresses})
        wait_for("what is known equals what the server has",
                 lambda: sorted(address.lower() for address in directory.ask("dump")) == wanted, 20)


def addresses_of(attributes):
    """From the attributes of an entry, as python3-ldap gives them."""
    found = [value.decode() for value in attributes.get("mail", [])]
    for value in attributes.get("proxyAddresses", []):
        if value[:5].lower() == b"smtp:":
            found.append(value[5:].decode())
    return found
