"""What the servers of the lab have in common: certificates, processes, waiting, copies of what took long to make.

Every server lives in a folder of its own, listens on a loopback address of its own, and is a child of whoever started it
or is found again by the process id in its folder. Nothing outside the folder is changed.
"""
import hashlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

PATIENCE = 60  # seconds until a server counts as never started or never stopped

BASE = "dc=example,dc=test"
HOST = "dc1.example.test"


def cache_folder():
    """Where what can be made again is kept: the same place as cmake/dependencies has."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(os.environ.get("GATEPOST_CACHE") or os.path.join(home, "gatepost")) / "lab"


def cached(name, inputs, make):
    """The folder that make(folder) filled once for these inputs (texts). Two who make it at a time: the first wins."""
    key = hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:16]
    folder = cache_folder() / f"{name}-{key}"
    if not folder.exists():
        beside = folder.with_name(f"{folder.name}.{os.getpid()}")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        try:
            make(beside)
            beside.rename(folder)
        except BaseException as problem:
            shutil.rmtree(beside, ignore_errors=True)
            if not folder.exists():
                raise RuntimeError(f"cannot make {folder}") from problem
    return folder


def run(*command, stdin=None):
    """Returns what it printed; fails with what it said."""
    done = subprocess.run([str(part) for part in command], input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr}{done.stdout}")
    return done.stdout


def wait_for(what, condition, patience=PATIENCE):
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"did not happen: {what}")
        time.sleep(0.02)


def answers(address, port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0


def openssl(*arguments, stdin=None):
    run("openssl", *arguments, stdin=stdin)


def make_authority(folder, name="Lab Root CA"):
    """ca.pem and ca.key in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650",
            "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-subj", f"/O=Lab/CN={name}",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    (folder / "ca.key").chmod(0o600)


def make_certificate(folder, names, days=825):
    """cert.pem and key.pem by the authority in the folder. names: as in subjectAltName, "DNS:x" or "IP:x". A negative
    number of days makes one that is over."""
    (folder / "ext").write_text(f"subjectAltName={','.join(names)}\nextendedKeyUsage=serverAuth\n"
                                "basicConstraints=CA:FALSE\n", encoding="ascii")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", folder / "key.pem", "-out", folder / "request.pem", "-subj", f"/CN={HOST}")
    openssl("x509", "-req", "-in", folder / "request.pem", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key",
            "-CAcreateserial", "-days", str(days), "-extfile", folder / "ext", "-out", folder / "cert.pem")
    (folder / "key.pem").chmod(0o600)


class Server:
    """A process and its folder. Subclasses say how it is made and started."""

    ports = ()

    def __init__(self, folder, address):
        self.folder = pathlib.Path(folder).resolve()
        self.address = address
        self.tls = self.folder / "tls"
        self.child = None

    @property
    def ca_file(self):
        return self.tls / "ca.pem"

    def new_certificate(self, names=None, authority=True, days=825):
        """Takes effect at the next start. authority: a new one too, which nobody trusts yet."""
        if authority:
            make_authority(self.tls)
        make_certificate(self.tls, names or [f"DNS:{HOST}", f"IP:{self.address}"], days)

    def spawn(self, *command):
        with open(self.folder / "output", "ab") as output:
            self.child = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output,
                                          stderr=output, start_new_session=True)
        (self.folder / "pid").write_text(str(self.child.pid), encoding="ascii")
        wait_for(f"{command[0]} answers on {self.address}", self.is_ready)
        return self

    def is_ready(self):
        if not self.is_running():
            raise RuntimeError((self.folder / "output").read_text(errors="replace")[-2000:])
        return all(answers(self.address, port) for port in self.ports)

    def pid(self):
        try:
            return int((self.folder / "pid").read_text())
        except FileNotFoundError:
            return None

    def is_running(self):
        if self.child is not None:
            return self.child.poll() is None
        pid = self.pid()
        return pid is not None and pathlib.Path(f"/proc/{pid}").exists()

    def processes(self):
        """The process and all below it, parents first."""
        parents = {}
        for entry in pathlib.Path("/proc").iterdir():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (OSError, IndexError):
                continue
            if entry.name.isdigit():
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
        found = [self.pid()] if self.is_running() else []
        for process in found:
            found.extend(parents.get(process, []))
        return found

    def signal(self, number):
        for process in self.processes():
            try:
                os.kill(process, number)
            except ProcessLookupError:
                pass

    def freeze(self):
        """Its sockets stay open and nothing answers any more."""
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.wait_gone()

    def stop(self):
        if self.is_running():
            self.thaw()
            os.kill(self.pid(), signal.SIGTERM)
        self.wait_gone()

    def wait_gone(self):
        wait_for(f"the server in {self.folder} ends", lambda: not self.is_running())
        (self.folder / "pid").unlink(missing_ok=True)
