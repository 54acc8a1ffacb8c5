"""The servers that are measured: how each is configured, started and stopped."""
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECIPIENTS = 10000  # known to Gatepost and to Postfix alike


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"bench: {what} did not happen")
        time.sleep(0.02)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def memory_mb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024


class Peer:
    """A server under measurement. sink is the port where accepted mail goes."""
    name = ""

    def __init__(self, folder, sink):
        self.folder = folder / re.sub(r"\W+", "-", self.name)
        self.folder.mkdir()
        self.port = free_port()
        self.sink = sink
        self.process = None

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)

    def drained(self):
        return True

    def memory(self):
        return memory_mb(self.process.pid)


class Gatepost(Peer):
    """Its recipients are in the local list."""
    name = "gatepost"
    command = [str(ROOT / "build/host-release/service/gatepost")]

    def path(self, path):
        return str(path)

    def settings(self):
        return {
            "virtual_servers": [{"name": "bench", "host_name": "gate.example.test",
                                 "addresses": [{"address": "127.0.0.1", "port": self.port}]}],
            "accepted_domains": [{"domain": "example.test", "deliver_to": "host", "host": "127.0.0.1", "port": self.sink}],
            "store": {"minimum_free": 0},
            # All load comes from one address: as with Postfix, without the limits that slow down or turn away such a one.
            "harvest": {"tarpit": 0, "session_unknown": 0, "source_unknown": 0},
        }

    def start(self):
        self.launch()
        wait_until(lambda: listens(self.port), "gatepost listens")
        self.fill()

    def launch(self):
        data = self.folder / "data"
        if not data.exists():
            data.mkdir()
            (data / "initial-settings.json").write_text(json.dumps(self.settings()))
        self.data = self.path(data)
        self.process = subprocess.Popen(self.command + ["run", "--data", self.data], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def fill(self):
        names = self.folder / "recipients.csv"
        names.write_text("mail\ninfo@example.test\n" + "".join(f"user{n}@example.test\n" for n in range(RECIPIENTS)))
        self.verb("recipient", "import", self.path(names))

    def verb(self, *arguments):
        return subprocess.run(self.command + [*arguments, "--data", self.data], check=True, capture_output=True, text=True).stdout

    def drained(self):
        return json.loads(self.verb("status", "--json"))["queue"]["messages"] == 0


class GatepostUnderWine(Gatepost):
    name = "gatepost.exe under Wine"
    command = ["wine", str(ROOT / "build/windows/service/gatepost.exe")]

    def path(self, path):
        return "Z:" + str(path).replace("/", "\\")

    def stop(self):
        self.verb("stop")
        self.process.wait(60)


class Postfix(Peer):
    """As Debian ships it, without chroot, and without the limits that slow down or turn away one client that asks much
    (all load comes from one address); recipients in a hash table; what it accepts goes to the sink."""
    name = "postfix"
    extra = ""

    def start(self):
        shutil.copy("/usr/share/postfix/master.cf.dist", self.folder / "master.cf")
        master = (self.folder / "master.cf").read_text()
        master = re.sub(r"(?m)^smtp      inet.*smtpd$", f"127.0.0.1:{self.port} inet n - n - - smtpd", master)
        master = re.sub(r"(?m)^(\S+\s+\S+\s+\S+\s+\S+\s+)y(\s)", r"\1n\2", master)
        (self.folder / "master.cf").write_text(master)
        (self.folder / "main.cf").write_text(f"""
compatibility_level = 3.6
queue_directory = {self.folder}/queue
data_directory = {self.folder}/state
maillog_file_prefixes = {self.folder}
maillog_file = {self.folder}/mail.log
inet_interfaces = loopback-only
myhostname = gate.example.test
mydestination =
relay_domains = example.test
relay_recipient_maps = {self.table()}
transport_maps = inline:{{ {{ example.test = smtp:[127.0.0.1]:{self.sink} }} }}
smtpd_relay_restrictions = reject_unauth_destination
mynetworks = 192.0.2.1
alias_maps =
alias_database =
smtp_host_lookup = native
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 1000000
smtpd_hard_error_limit = 1000000
smtpd_client_connection_count_limit = 0
{self.extra}
""")
        (self.folder / "queue").mkdir()
        (self.folder / "state").mkdir()
        shutil.chown(self.folder / "state", "postfix")
        self.fill()
        done = subprocess.run(["postfix", "-c", self.folder, "start"], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"bench: postfix does not start: {done.stderr}")
        wait_until(lambda: listens(self.port), "postfix listens")

    def table(self):
        return f"hash:{self.folder}/recipients"

    def fill(self):
        (self.folder / "recipients").write_text("info@example.test x\n" + "".join(f"user{n}@example.test x\n" for n in range(RECIPIENTS)))
        subprocess.run(["postmap", "-c", self.folder, self.table()], check=True)

    def stop(self):
        subprocess.run(["postfix", "-c", self.folder, "stop"], capture_output=True)

    def drained(self):
        return not any(any(path.is_file() for path in (self.folder / "queue" / name).glob("**/*"))
                       for name in ("incoming", "active", "deferred", "maildrop"))

    def memory(self):
        master = (self.folder / "queue/pid/master.pid").read_text().strip()
        pids = subprocess.run(["pgrep", "--parent", master], capture_output=True, text=True).stdout.split()
        return sum(memory_mb(pid) for pid in [master, *pids])


class PostfixTuned(Postfix):
    name = "postfix, in_flow_delay=0"
    extra = "in_flow_delay = 0"


class Sink(Peer):
    """smtp-sink: refuses every recipient and looks nothing up."""
    name = "smtp-sink"

    def start(self):
        self.process = subprocess.Popen(["/usr/sbin/smtp-sink", "-u", "nobody", "-f", "rcpt", f"127.0.0.1:{self.port}", "1024"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: listens(self.port), "smtp-sink listens")
