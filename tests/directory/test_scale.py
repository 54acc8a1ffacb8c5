"""The whole service at the size of a company: 20,000 people with 60,000 addresses in slapd and in Samba."""
import pathlib
import random
import sys
import tempfile
import unittest

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent / "system"), str(FOLDER.parent / "lab")]

import ldap

import domain
import lab
import slapd
from gatepost import Client, SystemTest, free_port, native_path, settings, wait_for

PEOPLE = 20000
KNOWN, UNKNOWN = "250 2.1.5", "550 5.1.1"


def addresses_of(number):
    """As tests/lab makes them."""
    return [f"u{number:06d}@example.test", f"first{number}.last{number}@example.test", f"u{number:06d}@alias.example.test"]


def verdicts(port, recipients):
    """The code that each gets, and the enhanced one; 500 pipelined at a time."""
    told = []
    with Client(port) as client:
        client.ask("EHLO client.test")
        for first in range(0, len(recipients), 500):
            some = recipients[first:first + 500]
            client.ask("MAIL FROM:<a@elsewhere.test>")
            client.send("".join(f"RCPT TO:<{recipient}>\r\n" for recipient in some))
            told += [client.reply()[:9] for _ in some]
            client.ask("RSET")
    return told


class Case(SystemTest):
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
        super().setUp()
        if not self.server.is_running():
            self.server.start()
        self.addCleanup(self.server.thaw)

    def with_directory(self, **changes):
        """A service whose directory is filled; returns it and its port."""
        port = free_port()
        directory = {"name": "Main", "ca_file": native_path(self.server.ca_file), "poll_interval": 1, "stale_after": 10,
                     "retry_first": 1, "retry_most": 1, **self.reach(), **changes}
        service = self.service(settings(
            port, directories=[directory],
            accepted_domains=[{"domain": name, "deliver_to": "drop"} for name in ("example.test", "alias.example.test")]))
        self.wait_state(service, "current")
        return service, port

    @staticmethod
    def status(service):
        return service.json("directory", "status")

    def wait_state(self, service, state):
        wait_for(f"the directory is {state}, not {self.status(service)}",
                 lambda: self.status(service)["directories"][0]["state"] == state)

    def check_fill(self, port, service, others, hidden):
        """others: addresses beside the people's. hidden: how many more there are that strangers do not reach."""
        status = self.status(service)
        self.assertEqual(status["addresses"], 3 * PEOPLE + len(others) + hidden)
        draw = random.Random(3)
        known = [address for number in [1, PEOPLE, *draw.sample(range(2, PEOPLE), 998)] for address in addresses_of(number)]
        self.assertEqual(set(verdicts(port, known + others)), {KNOWN})
        unknown = [address.replace("@", f"{draw.randrange(10)}@") for address in known]
        self.assertEqual(set(verdicts(port, [*unknown, *addresses_of(PEOPLE + 1)])), {UNKNOWN})
        service.stop()
        service.start()
        self.assertEqual(set(verdicts(port, known[:300])), {KNOWN})
        self.wait_state(service, "current")
        self.assertEqual(self.status(service)["addresses"], status["addresses"])


class OpenLdap(Case):
    ADDRESS = "127.0.0.75"

    @classmethod
    def make_server(cls, folder):
        return slapd.Slapd(folder, cls.ADDRESS).make(PEOPLE)

    def reach(self):
        return {"servers": [f"{self.ADDRESS}:13636"], "account": slapd.SERVICE, "password": slapd.SERVICE_PASSWORD,
                "base": lab.BASE}

    def admin(self):
        connection = ldap.initialize(f"ldap://{self.ADDRESS}:13389")
        connection.simple_bind_s(slapd.ADMIN, slapd.ADMIN_PASSWORD)
        return connection


class Changes(OpenLdap):
    def test_fill(self):
        service, port = self.with_directory()
        self.check_fill(port, service, [], 0)

    def test_random_changes_equal_a_fresh_search(self):
        service, _ = self.with_directory()
        draw = random.Random(11)
        admin = self.admin()
        people = {f"u{number:06d}": slapd.PEOPLE for number in range(1, PEOPLE + 1)}
        names = list(people)
        for step in range(1500):
            self.random_change(draw, admin, people, names, step)
            if step in (500, 1000):
                service.kill()
                service.start()
        wanted = self.searched(admin)
        self.assertNotEqual(len(wanted), 3 * PEOPLE)
        wait_for("what is known equals what the server has", lambda: self.status(service)["addresses"] == len(wanted))
        wait_for("each of them", lambda: self.listed(service) == wanted)

    @staticmethod
    def listed(service):
        return {row["address"] for row in service.json("recipient", "list", "--limit", "200000")["recipients"]}

    @staticmethod
    def searched(admin):
        found = admin.search_s(lab.BASE, ldap.SCOPE_SUBTREE, "(objectClass=labMailRecipient)", ["mail", "proxyAddresses"])
        values = [value for _, entry in found for value in entry.get("mail", [])]
        values += [value[5:] for _, entry in found for value in entry.get("proxyAddresses", []) if value[:5].lower() == b"smtp:"]
        return {value.decode().lower() for value in values}

    @staticmethod
    def random_change(draw, admin, people, names, step):
        """One of what administrators do; what is added may be another's address too."""
        kind = draw.choice(("add", "delete", "alias", "alias", "replace", "move"))
        address = f"smtp:{draw.choice(addresses_of(draw.randrange(1, PEOPLE)) + [f'r{draw.randrange(200)}@example.test'])}"
        if kind == "add":
            name = f"new{step}"
            admin.add_s(f"uid={name},{slapd.PEOPLE}", [
                ("objectClass", [b"inetOrgPerson", b"labMailRecipient"]), ("uid", [name.encode()]), ("cn", [b"New"]),
                ("sn", [b"New"]), ("proxyAddresses", [address.encode()])])
            people[name] = slapd.PEOPLE
            names.append(name)
            return
        place = draw.randrange(len(names))
        name = names[place]
        entry = f"uid={name},{people[name]}"
        if kind == "delete":
            admin.delete_s(entry)
            names[place] = names[-1]
            names.pop()
        elif kind == "move":
            people[name] = f"ou=left,{lab.BASE}" if people[name] == slapd.PEOPLE else slapd.PEOPLE
            admin.rename_s(entry, f"uid={name}", people[name])
        else:
            try:
                admin.modify_s(entry, [(ldap.MOD_REPLACE if kind == "replace" else ldap.MOD_ADD, "proxyAddresses",
                                        [address.encode()])])
            except ldap.TYPE_OR_VALUE_EXISTS:
                pass


class ActiveDirectory(Case):
    ADDRESS = "127.0.0.77"

    @classmethod
    def make_server(cls, folder):
        return domain.Domain(folder, cls.ADDRESS).make(PEOPLE)

    def reach(self):
        return {"servers": [self.ADDRESS], "account": domain.SERVICE, "password": domain.SERVICE_PASSWORD}

    def test_fill(self):
        service, port = self.with_directory()
        self.check_fill(port, service, ["partner@example.test", "folder@example.test"], 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
