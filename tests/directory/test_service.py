"""The whole service with a directory: what the wire says while the directory changes, dies, lies and comes back; the
states, the events, and what the verbs tell an administrator."""
import json
import pathlib
import shutil
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

PEOPLE = 200
EVENT_FILLED, EVENT_AWAY, EVENT_BACK, EVENT_STALE = 503, 504, 505, 506
EVENT_CERTIFICATE, EVENT_PASSWORD, EVENT_DOUBT, EVENT_BLIND, EVENT_UNUSABLE = 507, 508, 509, 510, 511

# Slowed down, a stranger who asks for unknown recipients is another test's subject.
CALM = {"exempt": ["127.0.0.0/8"]}


def verdict(port, recipient):
    with Client(port) as client:
        client.ask("EHLO client.test")
        client.ask("MAIL FROM:<a@elsewhere.test>")
        return client.ask(f"RCPT TO:<{recipient}>")


class DirectoryTest(SystemTest):
    """One server for the class; each test has a service of its own."""

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
        self.ca_file = self.folder / "ca.pem"
        shutil.copy(self.server.ca_file, self.ca_file)
        if not self.server.is_running():
            self.server.start()
        self.addCleanup(self.server.thaw)

    def directory(self, **changes):
        return {"name": "Main", "ca_file": native_path(self.ca_file), "poll_interval": 1, "stale_after": 10,
                "retry_first": 1, "retry_most": 1, "connect_timeout": 2, "answer_timeout": 2,
                "lookup_deadline": 2, **self.reach(), **changes}

    def with_directory(self, filled=True, **changes):
        """A service with one directory; returns it and its port."""
        port = free_port()
        service = self.service(settings(port, directories=[self.directory(**changes)], harvest=CALM))
        if filled:
            self.wait_state(service, "current")
        return service, port

    @staticmethod
    def status(service):
        return service.json("directory", "status")["directories"][0]

    def wait_state(self, service, state):
        return wait_for(f"the directory is {state}, not {self.status(service)}",
                        lambda: (lambda status: status if status["state"] == state else None)(self.status(service)))

    @staticmethod
    def wait_event(service, number, count=1):
        return wait_for(f"event {number}", lambda: len(service.events(number)) >= count and service.events(number)[-1])

    @staticmethod
    def wait_verdict(port, recipient, code):
        wait_for(f"{recipient} gets {code}, not {verdict(port, recipient)}",
                 lambda: verdict(port, recipient).startswith(code))

    def steps(self, service, *arguments):
        """`directory test` as pairs of step and result, and the sentence of the last one that is not ok."""
        done = service.cli("directory", "test", *arguments, "--json", check=False)
        told = json.loads(done.stdout)
        wrong = [step["sentence"] for step in told["steps"] if step["result"] != "ok"]
        self.assertEqual(done.returncode, 0 if told["ok"] else 1)
        return [(step["step"], step["result"]) for step in told["steps"]], wrong[-1] if wrong else ""


class Both:
    """What must hold for every kind of directory."""

    def test_changes_are_on_the_wire(self):
        service, port = self.with_directory()
        self.assertRegex(self.wait_event(service, EVENT_FILLED), r'"Main" was read from .+: \d+ entries')
        self.assertRegex(verdict(port, "U000001@example.test"), r"^250 ")
        self.assertRegex(verdict(port, "first1.last1@example.test"), r"^250 ")
        self.assertRegex(verdict(port, "new@example.test"), r"^550 5\.1\.1 User unknown")
        admin = self.admin()
        entry = self.add(admin, "new", "new@example.test")
        self.addCleanup(self.remove, entry)
        self.wait_verdict(port, "new@example.test", "250")
        admin.modify_s(entry, [(ldap.MOD_ADD, "proxyAddresses", [b"smtp:alias@example.test"])])
        self.wait_verdict(port, "alias@example.test", "250")
        admin.modify_s(entry, [(ldap.MOD_DELETE, "proxyAddresses", [b"smtp:alias@example.test"])])
        self.wait_verdict(port, "alias@example.test", "550")
        renamed = self.rename(admin, entry, "renamed")
        self.addCleanup(self.remove, renamed)
        admin.modify_s(renamed, [(ldap.MOD_ADD, "proxyAddresses", [b"smtp:renamed@example.test"])])
        self.wait_verdict(port, "renamed@example.test", "250")
        self.assertRegex(verdict(port, "new@example.test"), r"^250 ")
        self.change_more(admin, renamed, port)
        admin.delete_s(renamed)
        self.wait_verdict(port, "new@example.test", "550")
        self.assertEqual(service.events(EVENT_AWAY), [])
        self.assertEqual(len(service.events(EVENT_FILLED)), 1)

    def test_an_administrator_sees_who_it_is(self):
        service, _ = self.with_directory()
        told = service.json("recipient", "explain", "first1.last1@example.test")
        self.assertEqual(told["verdict"], "accept")
        self.assertEqual(told["entry"]["source"], "Main")
        self.assertEqual(told["entry"]["primary"], "u000001@example.test")
        self.assertEqual(told["entry"]["display_name"], "Person 1")
        self.assertIn("u000001@example.test", service.cli("recipient", "explain", "first1.last1@example.test").stdout)
        self.assertNotIn("entry", service.json("recipient", "explain", "nobody@example.test"))
        listed = service.json("recipient", "list", "--filter", "first1.last1@")["recipients"]
        self.assertEqual([(row["address"], row["source"]) for row in listed], [("first1.last1@example.test", "Main")])
        service.cli("recipient", "add", "first1.last1@example.test")
        self.assertEqual(service.json("recipient", "explain", "first1.last1@example.test")["entry"]["source"], "local list")
        summary = service.json("status")["directories"]
        self.assertEqual([(row["name"], row["state"]) for row in summary], [("Main", "current")])
        self.assertIn("Main", service.cli("directory", "status").stdout)
        self.assertEqual(service.json("directory", "sync")["directories"], 1)
        self.assertEqual(service.cli("directory", "sync", "Other", check=False).returncode, 5)

    def test_the_server_goes_and_comes_back(self):
        service, port = self.with_directory()
        self.server.kill()
        self.assertIn('"Main"', self.wait_event(service, EVENT_AWAY))
        self.assertRegex(verdict(port, "u000001@example.test"), r"^250 ")
        self.wait_event(service, EVENT_STALE)
        self.assertEqual(self.status(service)["state"], "stale")
        self.assertRegex(verdict(port, "u000001@example.test"), r"^250 ")
        self.assertRegex(verdict(port, "nobody@example.test"), r"^451 4\.3\.0")
        self.server.start()
        self.wait_event(service, EVENT_BACK)
        self.wait_state(service, "current")
        self.assertRegex(verdict(port, "nobody@example.test"), r"^550 5\.1\.1")
        self.assertEqual([len(service.events(number)) for number in (EVENT_AWAY, EVENT_STALE, EVENT_BACK)], [1, 1, 1])

    def test_a_frozen_server_holds_up_nobody(self):
        service, port = self.with_directory()
        self.server.freeze()
        self.wait_event(service, EVENT_AWAY)
        self.wait_state(service, "stale")
        self.assertRegex(verdict(port, "u000001@example.test"), r"^250 ")
        self.assertRegex(verdict(port, "nobody@example.test"), r"^451 4\.3\.0")
        with Client(port) as client:
            client.ask("EHLO client.test")
            client.ask("MAIL FROM:<a@elsewhere.test>")
            client.send("RCPT TO:<waits@example.test>\r\n")
            self.assertEqual(service.stop(), 0)
        self.server.thaw()

    def test_what_was_known_serves_after_a_restart(self):
        service, port = self.with_directory()
        service.stop()
        self.server.kill()
        service.start()
        self.assertRegex(verdict(port, "u000001@example.test"), r"^250 ")
        self.assertRegex(verdict(port, "nobody@example.test"), r"^451 4\.3\.0")
        self.assertEqual(self.status(service)["state"], "stale")
        self.server.start()
        self.wait_state(service, "current")
        self.assertRegex(verdict(port, "nobody@example.test"), r"^550 5\.1\.1")

    def test_wrong_password(self):
        service, port = self.with_directory(filled=False, password="wrong")
        self.assertRegex(self.wait_event(service, EVENT_PASSWORD), r"its password is wrong")
        self.assertEqual(self.wait_state(service, "failed")["entries"], 0)
        self.assertRegex(verdict(port, "u000001@example.test"), r"^451 4\.3\.0")
        service.cli("config", "set", "directories[0].password", "-", stdin=self.reach()["password"] + "\n")
        self.wait_state(service, "current")
        self.assertRegex(verdict(port, "u000001@example.test"), r"^250 ")
        self.assertRegex(verdict(port, "nobody@example.test"), r"^550 ")
        self.assertEqual(len(service.events(EVENT_PASSWORD)), 1)

    def test_untrusted_certificate(self):
        service, port = self.with_directory()
        self.server.stop()
        self.server.new_certificate()
        self.server.start()
        self.assertRegex(self.wait_event(service, EVENT_CERTIFICATE), r"not trusted")
        self.assertRegex(verdict(port, "u000001@example.test"), r"^250 ")
        self.assertIn("certificate", self.status(service)["error"])
        service.cli("config", "set", "directories[0].ca_file", native_path(self.server.ca_file))
        self.wait_state(service, "current")
        self.wait_verdict(port, "nobody@example.test", "550")

    def test_the_test_names_each_fault(self):
        service, _ = self.with_directory()
        steps, wrong = self.steps(service, "u000001@example.test")
        self.assertEqual(wrong, "")
        self.assertEqual(steps[:5], [("certificate authority", "ok"), ("name", "ok"), ("connect", "ok"),
                                     ("certificate", "ok"), ("account", "ok")])
        self.assertEqual(steps[-3:], [("base", "ok"), ("entries", "ok"), ("address", "ok")])
        steps, wrong = self.steps(service, "Main", "nobody@example.test")
        self.assertEqual(steps[-1], ("address", "failed"))
        self.assertIn("nobody@example.test", wrong)
        for setting, value, step, said in self.faults():
            before = service.json("config", "get", f"directories[0].{setting}")["value"]
            service.cli("config", "set", f"directories[0].{setting}", value)
            steps, wrong = self.steps(service, "u000001@example.test")
            self.assertEqual(steps[-1], (step, "failed"), (setting, wrong))
            self.assertRegex(wrong, said)
            service.cli("config", "set", f"directories[0].{setting}", before if isinstance(before, str) else json.dumps(before))

    def faults(self):
        address, port = self.server.address, self.server.ports[1]
        other = self.folder / "other"
        lab.make_authority(other)
        return [("servers", json.dumps([f"nowhere.invalid:{port}"]), "name", r"nowhere\.invalid"),
                ("servers", json.dumps([f"{address}:1"]), "connect", r"refused"),
                ("ca_file", native_path(other / "ca.pem"), "certificate", r"not trusted"),
                ("ca_file", native_path(self.folder / "no.pem"), "certificate authority", r"cannot be read"),
                ("account", "nobody", "account", r"no such account|not an account"),
                ("base", f"ou=nowhere,{lab.BASE}", "base", r"no such|not there"),
                ("filter", "(objectClass=nothing)", "address", r"leaves out"),
                ("attributes", json.dumps(["description"]), "address", r"No entry")]

    def test_a_password_that_cannot_be_opened(self):
        """As after a move to another computer: what is known is served, and the event says what to do."""
        service, port = self.with_directory()
        service.stop()
        (service.data / "secret.key").unlink()
        service.start()
        self.wait_event(service, EVENT_UNUSABLE)
        self.assertIn("entered again", self.status(service)["error"])
        self.assertRegex(verdict(port, "u000001@example.test"), r"^250 ")
        self.assertRegex(verdict(port, "nobody@example.test"), r"^451 4\.3\.0")
        service.cli("config", "set", "directories[0].password", "-", stdin=self.reach()["password"] + "\n")
        self.wait_state(service, "current")

    def test_an_authority_that_cannot_be_read(self):
        """A directory that cannot even be asked is no reason to call anybody unknown."""
        service, port = self.with_directory()
        service.cli("config", "set", "directories[0].ca_file", native_path(self.folder / "no.pem"))
        self.wait_event(service, EVENT_UNUSABLE)
        self.assertRegex(verdict(port, "u000001@example.test"), r"^250 ")
        self.assertRegex(verdict(port, "nobody@example.test"), r"^451 4\.3\.0")
        service.cli("config", "set", "directories[0].ca_file", native_path(self.ca_file))
        self.wait_verdict(port, "nobody@example.test", "550")

    def test_secrets_stay_secret(self):
        service, _ = self.with_directory()
        secret = self.reach()["password"]
        self.assertEqual(service.json("config", "get", "directories[0].password")["value"], "********")
        document = service.cli("config", "export").stdout
        self.assertNotIn(secret, document)
        done = service.cli("config", "import", "-", "--json", stdin=document)
        self.assertFalse(json.loads(done.stdout)["changed"])
        service.cli("config", "set", "directories[0].account", "nobody")
        service.cli("config", "revert", "1")
        self.wait_state(service, "current")
        service.stop()
        (service.data / "initial-settings.json").unlink()
        for path in service.data.iterdir():
            if path.is_file():
                self.assertNotIn(secret.encode(), path.read_bytes(), path)


class OpenLdap(Both, DirectoryTest):
    ADDRESS = "127.0.0.73"

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

    @staticmethod
    def add(admin, name, *addresses):
        entry = f"uid={name},{slapd.PEOPLE}"
        admin.add_s(entry, [
            ("objectClass", [b"inetOrgPerson", b"labMailRecipient"]), ("uid", [name.encode()]), ("cn", [name.encode()]),
            ("sn", [b"New"]), ("proxyAddresses", [f"smtp:{address}".encode() for address in addresses])])
        return entry

    @staticmethod
    def rename(admin, entry, name):
        where = f"ou=left,{lab.BASE}"
        admin.rename_s(entry, f"uid={name}", where)
        return f"uid={name},{where}"

    def remove(self, entry):
        try:
            self.admin().delete_s(entry)
        except ldap.NO_SUCH_OBJECT:
            pass

    def change_more(self, admin, entry, port):
        """What only this kind of directory has."""

    def test_the_first_mail_of_a_new_mailbox(self):
        """It is accepted before the directory has been looked at again."""
        service, port = self.with_directory(kind="search", search_interval=60, ask_after=1)
        self.assertRegex(verdict(port, "nobody@example.test"), r"^550 ")
        wait_for("what is known is older than a second", lambda: self.status(service)["age_ms"] > 1000)
        self.addCleanup(self.remove, self.add(self.admin(), "fresh", "fresh@example.test"))
        self.assertRegex(verdict(port, "fresh@example.test"), r"^250 ")
        self.assertRegex(verdict(port, "nobody@example.test"), r"^550 ")
        status = self.status(service)
        self.assertEqual((status["updates"], status["lookups"]["asked"]), (1, 2))

    def test_plain_passwords_are_refused(self):
        service, _ = self.with_directory()
        done = service.cli("config", "set", "directories[0].security", "plain", check=False)
        self.assertIn("allow_plain_password", done.stderr)

    def test_too_many_removals_are_doubted(self):
        service, port = self.with_directory(kind="search", filter="(uid=u0001*)")
        self.assertRegex(verdict(port, "u000150@example.test"), r"^250 ")
        admin = self.admin()
        for number in range(100, 150):
            admin.delete_s(f"uid=u{number:06d},{slapd.PEOPLE}")
        service.cli("directory", "sync")
        self.assertRegex(self.wait_event(service, EVENT_DOUBT), r"--believe")
        self.assertRegex(verdict(port, "u000149@example.test"), r"^250 ")
        service.cli("directory", "sync", "--full", "--believe")
        self.wait_verdict(port, "u000149@example.test", "550")
        self.assertRegex(verdict(port, "u000150@example.test"), r"^250 ")

    def test_a_directory_that_is_taken_away(self):
        service, port = self.with_directory()
        service.cli("recipient", "add", "local@example.test")
        service.cli("config", "set", "directories[0].enabled", "false")
        self.assertRegex(verdict(port, "u000001@example.test"), r"^550 ")
        self.assertRegex(verdict(port, "local@example.test"), r"^250 ")
        self.assertEqual(self.status(service)["state"], "disabled")
        service.cli("config", "set", "directories[0].enabled", "true")
        self.wait_verdict(port, "u000001@example.test", "250")


class ActiveDirectory(Both, DirectoryTest):
    ADDRESS = "127.0.0.74"

    def setUp(self):
        super().setUp()
        self.server.tool("user", "unlock", "gatepost")  # a wrong password counts

    @classmethod
    def make_server(cls, folder):
        return domain.Domain(folder, cls.ADDRESS).make(PEOPLE)

    def reach(self):
        return {"servers": [self.ADDRESS], "account": domain.SERVICE, "password": domain.SERVICE_PASSWORD}

    def admin(self):
        connection = ldap.initialize(f"ldaps://{self.ADDRESS}")
        connection.set_option(ldap.OPT_X_TLS_CACERTFILE, str(self.server.ca_file))
        connection.set_option(ldap.OPT_REFERRALS, 0)
        connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
        connection.simple_bind_s(domain.ADMIN, domain.ADMIN_PASSWORD)
        return connection

    @staticmethod
    def add(admin, name, *addresses):
        entry = f"CN={name},OU=Elsewhere,{domain.BASE}"
        admin.add_s(entry, [
            ("objectClass", b"user"), ("sAMAccountName", name.encode()), ("userAccountControl", b"544"),
            ("proxyAddresses", [f"smtp:{address}".encode() for address in addresses])])
        return entry

    @staticmethod
    def rename(admin, entry, name):
        where = f"CN=Users,{domain.BASE}"
        admin.rename_s(entry, f"CN={name}", where)
        return f"CN={name},{where}"

    def remove(self, entry):
        try:
            self.admin().delete_s(entry)
        except ldap.NO_SUCH_OBJECT:
            pass

    def change_more(self, admin, entry, port):
        admin.modify_s(entry, [(ldap.MOD_REPLACE, "userAccountControl", [b"546"])])
        self.wait_verdict(port, "renamed@example.test", "550")
        admin.modify_s(entry, [(ldap.MOD_REPLACE, "userAccountControl", [b"544"])])
        self.wait_verdict(port, "renamed@example.test", "250")

    def test_found_by_dns(self):
        service, port = self.with_directory(servers=[], active_directory_domain="example.test",
                                            dns_servers=[self.ADDRESS])
        self.assertRegex(verdict(port, "u000001@example.test"), r"^250 ")
        self.assertIn("dc1.example.test", self.status(service)["server"])
        steps, wrong = self.steps(service)
        self.assertEqual(wrong, "")
        self.assertIn(("servers", "ok"), steps)

    def test_without_rights(self):
        service, _ = self.with_directory(account=domain.READER, password=domain.READER_PASSWORD)
        self.assertRegex(self.wait_event(service, EVENT_BLIND), r"may not see deleted objects")
        self.assertFalse(self.status(service)["sees_deletions"])
        steps, _ = self.steps(service)
        self.assertEqual([step for step in steps if step[1] != "ok"], [("rights", "warning"), ("rights", "warning")])


if __name__ == "__main__":
    unittest.main(verbosity=2)
