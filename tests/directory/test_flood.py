"""Floods of made-up recipients at a service with a directory: what the directory server notices of them, by its own log,
and what good mail does. While what is known is current the server is not asked at all; while it is not, as many questions
a second as the settings allow, however large the flood."""
import pathlib
import shutil
import socket
import sys
import tempfile
import threading
import time
import unittest

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent / "system"), str(FOLDER.parent / "lab")]

import ldap

import lab
import slapd
from gatepost import PATIENCE, Client, SystemTest, free_port, native_path, settings, wait_for

ADDRESS = "127.0.0.76"
PEOPLE = 200
RATE, BURST = 20, 30      # questions a second, and at once
OWN_SEARCHES = 40         # of connections and of the look for changes, in the time of a test
EVENT_STALE, EVENT_DOUBT = 506, 509


class Flooder:
    """Connections that ask for made-up recipients, pipelined, and count the replies by their codes."""

    def __init__(self, port, connections, total, batch=100):
        self.port, self.each, self.batch, self.codes = port, total // connections, batch, {}
        self.lock, self.ended = threading.Lock(), False
        self.begin = time.monotonic()
        self.threads = [threading.Thread(target=self.run, args=(number,)) for number in range(connections)]
        for thread in self.threads:
            thread.start()

    def run(self, number):
        with Client(self.port) as client:
            client.ask("EHLO flood.test")
            client.ask("MAIL FROM:<a@elsewhere.test>")
            for first in range(0, self.each, self.batch):
                if self.ended:
                    return
                names = range(first, min(first + self.batch, self.each))
                client.send("".join(f"RCPT TO:<made-up-{number}-{name}@example.test>\r\n" for name in names))
                codes = [client.reply()[:9] for _ in names]
                with self.lock:
                    for code in codes:
                        self.codes[code] = self.codes.get(code, 0) + 1

    def wait(self):
        """Seconds that it took."""
        for thread in self.threads:
            thread.join(PATIENCE * 2)
        return time.monotonic() - self.begin

    def end(self):
        self.ended = True
        return self.wait()


class FloodTest(SystemTest):
    def setUp(self):
        super().setUp()
        self.holder = tempfile.TemporaryDirectory(prefix="gp-")
        self.addCleanup(self.holder.cleanup)
        self.server = slapd.Slapd(pathlib.Path(self.holder.name) / "server", ADDRESS).make(PEOPLE)
        self.server.start()
        self.addCleanup(self.server.stop)

    def with_directory(self, **changes):
        ca_file = self.folder / "ca.pem"
        shutil.copy(self.server.ca_file, ca_file)
        port = free_port()
        directory = {"name": "Main", "ca_file": native_path(ca_file), "poll_interval": 1, "stale_after": 10,
                     "retry_first": 1, "retry_most": 1, "connect_timeout": 2, "answer_timeout": 2, "lookup_deadline": 2,
                     "lookups_per_second": RATE, "lookup_burst": BURST, "servers": [f"{ADDRESS}:13636"],
                     "account": slapd.SERVICE, "password": slapd.SERVICE_PASSWORD, "base": lab.BASE, **changes}
        # The flood comes from this computer, and all of it shall get through to the directory.
        service = self.service(settings(port, directories=[directory], harvest={"exempt": ["127.0.0.0/8"]}))
        self.wait_state(service, "current")
        return service, port

    @staticmethod
    def wait_state(service, state):
        wait_for(f"the directory is {state}",
                 lambda: service.json("directory", "status")["directories"][0]["state"] == state)

    def recipient(self, port, name):
        """The reply to a recipient, and how long it took."""
        with Client(port) as client:
            client.ask("EHLO good.test")
            client.ask("MAIL FROM:<a@elsewhere.test>")
            begin = time.monotonic()
            return client.ask(f"RCPT TO:<{name}@example.test>"), time.monotonic() - begin

    def send_good_mail(self, port, seconds):
        """Until then; returns the slowest transaction."""
        slowest, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            begin = time.monotonic()
            with Client(port) as client:
                client.ask("EHLO good.test")
                replies = client.message("good@elsewhere.test", ["u000001@example.test"], "Subject: good\r\n\r\nText")
            self.assertRegex(replies[-1], r"^250 ")
            slowest = max(slowest, time.monotonic() - begin)
        return slowest

    def test_a_current_directory_is_not_asked(self):
        _, port = self.with_directory()
        for total in (10000, 100000):
            before = self.server.searches()
            flooder = Flooder(port, 16, total)
            flooder.wait()
            self.assertEqual(flooder.codes, {"550 5.1.1": total // 16 * 16})
            self.assertLess(self.server.searches() - before, 10)

    def test_a_frozen_directory_server(self):
        service, port = self.with_directory()
        self.server.freeze()
        self.addCleanup(self.server.thaw)
        self.wait_state(service, "stale")
        before = self.server.searches()
        reply, took = self.recipient(port, "lone")
        self.assertRegex(reply, r"^451 4\.3\.0 ")
        self.assertLess(took, 10, "the deadline is 2 s")
        reason = service.wait_tracked(1, recipient="lone@example.test")[0]["reason"]
        self.assertRegex(reason, r"^directory-unavailable: .")
        # Each name may take the deadline, when few connections are left that want to ask.
        flooder = Flooder(port, 64, 100000, batch=5)
        self.assertLess(self.send_good_mail(port, 10), 5)
        took = flooder.end()
        self.assertEqual(list(flooder.codes), ["451 4.3.0"])
        self.server.thaw()
        self.wait_state(service, "current")
        wait_for("unknown recipients are known to be unknown", lambda: self.recipient(port, "lone")[0].startswith("550 5.1.1"))
        self.assertLessEqual(self.server.searches() - before, BURST + RATE * (took + 30) + OWN_SEARCHES)

    def test_clients_that_leave_while_an_answer_is_owed(self):
        service, port = self.with_directory()
        self.server.freeze()
        self.addCleanup(self.server.thaw)
        self.wait_state(service, "stale")
        for number in range(20):
            client = Client(port)
            client.ask("EHLO hasty.test")
            client.ask("MAIL FROM:<a@elsewhere.test>")
            client.send(f"RCPT TO:<hasty-{number}@example.test>\r\nRCPT TO:<again-{number}@example.test>\r\n")
            if number % 2 == 0:
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.socket.close()
        wait_for("all sessions have ended", lambda: service.json("sessions", "list")["sessions"] == [])
        self.assertRegex(self.recipient(port, "u000001")[0], r"^250 ")
        client = Client(port)
        self.addCleanup(client.socket.close)
        client.ask("EHLO hasty.test")
        client.ask("MAIL FROM:<a@elsewhere.test>")
        client.send("RCPT TO:<waits@example.test>\r\nNOOP\r\n")
        self.assertEqual(service.stop(), 0)

    def test_a_server_that_answers_while_what_is_known_is_stale(self):
        """A pass that is not believed leaves what is known as it is, until it is too old to say no by itself."""
        service, port = self.with_directory(kind="search", search_interval=1, filter="(uid=u0001*)")
        admin = ldap.initialize(f"ldap://{ADDRESS}:13389")
        admin.simple_bind_s(slapd.ADMIN, slapd.ADMIN_PASSWORD)
        for number in range(101, 150):
            admin.delete_s(f"uid=u{number:06d},{slapd.PEOPLE}")
        service.cli("directory", "sync")
        wait_for("the pass is not believed", lambda: service.events(EVENT_DOUBT))
        self.wait_state(service, "stale")
        admin.add_s(f"uid=u000101,{slapd.PEOPLE}", [
            ("objectClass", [b"inetOrgPerson", b"labMailRecipient"]), ("uid", [b"u000101"]), ("cn", [b"New"]),
            ("sn", [b"New"]), ("proxyAddresses", [b"smtp:moment@example.test"])])
        self.assertRegex(self.recipient(port, "moment")[0], r"^250 ")
        self.assertRegex(self.recipient(port, "nobody")[0], r"^550 5\.1\.1")
        told = service.cli("recipient", "explain", "moment@example.test").stdout
        self.assertIn("It was asked now", told)
        rates = []
        for total in (10000, 100000):
            before = self.server.searches()
            flooder = Flooder(port, 64, total)
            took = flooder.wait()
            asked = self.server.searches() - before
            self.assertEqual(sum(flooder.codes.values()), total // 64 * 64)
            self.assertLessEqual(set(flooder.codes), {"550 5.1.1", "451 4.3.0"})
            self.assertLessEqual(asked, BURST + RATE * (took + 1) + OWN_SEARCHES)
            rates.append((asked - BURST) / took)
        print(f"questions a second at the server: {rates[0]:.1f}, and {rates[1]:.1f} with ten times the flood")


if __name__ == "__main__":
    unittest.main(verbosity=2)
