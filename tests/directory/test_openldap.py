"""OpenLDAP: changes as they come (RFC 4533), full searches, and everything that can go wrong with a server."""
import pathlib
import random
import sys
import unittest

import ldap

import rig  # first: it knows where the lab is
import slapd

ADDRESS = "127.0.0.50"
PEOPLE = 2000


class OpenLdap(rig.Case):
    @classmethod
    def make_server(cls, folder):
        return slapd.Slapd(folder, ADDRESS).make(PEOPLE)

    def usual_settings(self):
        return {"servers": [{"host": ADDRESS, "port": 13636}], "ca_file": rig.native_path(self.server.ca_file),
                "account": slapd.SERVICE, "password": slapd.SERVICE_PASSWORD, "base": "dc=example,dc=test"}

    def admin(self):
        connection = ldap.initialize(f"ldap://{ADDRESS}:13389")
        connection.simple_bind_s(slapd.ADMIN, slapd.ADMIN_PASSWORD)
        return connection

    def entries(self):
        found = self.admin().search_s("dc=example,dc=test", ldap.SCOPE_SUBTREE, "(|(mail=*)(proxyAddresses=*))",
                                      ["mail", "proxyAddresses"])
        return [rig.addresses_of(attributes) for _, attributes in found]

    @staticmethod
    def add(admin, name, *addresses, where=slapd.PEOPLE):
        admin.add_s(f"uid={name},{where}", [
            ("objectClass", [b"inetOrgPerson", b"labMailRecipient"]), ("uid", [name.encode()]), ("cn", [name.encode()]),
            ("sn", [b"New"]), ("proxyAddresses", [f"smtp:{address}".encode() for address in addresses])])


    @staticmethod
    def add_person(admin, number):
        """As it was when the server was made."""
        attributes = {}
        for line in slapd.person(number).strip().splitlines()[1:]:
            name, value = line.split(": ", 1)
            attributes.setdefault(name, []).append(value.encode())
        admin.add_s(slapd.person(number).splitlines()[0][4:], list(attributes.items()))


class Changes(OpenLdap):
    def check_changes(self, patience, **settings):
        directory = self.start_directory(**settings)
        admin = self.admin()
        self.addCleanup(lambda: self.remove_if_there("new", "renamed", "twin"))
        self.assertEqual(directory.find("u000001@EXAMPLE.test"), "present")
        self.assertEqual(directory.find("new@example.test"), "absent")

        self.add(admin, "new", "new@example.test")
        directory.wait_find("new@example.test", "present", patience)
        entry = f"uid=new,{slapd.PEOPLE}"
        admin.modify_s(entry, [(ldap.MOD_ADD, "proxyAddresses", [b"smtp:alias@example.test"])])
        directory.wait_find("alias@example.test", "present", patience)
        admin.modify_s(entry, [(ldap.MOD_DELETE, "proxyAddresses", [b"smtp:new@example.test"])])
        directory.wait_find("new@example.test", "absent", patience)
        admin.rename_s(entry, "uid=renamed", f"ou=left,{slapd.lab.BASE}")
        admin.modify_s(f"uid=renamed,ou=left,{slapd.lab.BASE}",
                       [(ldap.MOD_ADD, "proxyAddresses", [b"smtp:renamed@example.test"])])
        directory.wait_find("renamed@example.test", "present", patience)
        self.assertEqual(directory.find("alias@example.test"), "present")

        # An address that two hold stays until both are gone.
        self.add(admin, "twin", "alias@example.test")
        self.add(admin, "new", "mark@example.test")
        directory.wait_find("mark@example.test", "present", patience)
        admin.delete_s(f"uid=renamed,ou=left,{slapd.lab.BASE}")
        directory.wait_find("renamed@example.test", "absent", patience)
        self.assertEqual(directory.find("alias@example.test"), "present")
        admin.delete_s(f"uid=twin,{slapd.PEOPLE}")
        directory.wait_find("alias@example.test", "absent", patience)
        admin.delete_s(entry)
        self.assert_equals_search(directory, self.entries())

    def remove_if_there(self, *names):
        admin = self.admin()
        for name in names:
            for where in (slapd.PEOPLE, f"ou=left,{slapd.lab.BASE}"):
                try:
                    admin.delete_s(f"uid={name},{where}")
                except ldap.NO_SUCH_OBJECT:
                    pass

    def test_seen_as_they_come(self):
        self.check_changes(2, poll_ms=60000, stale_ms=70000)

    def test_seen_by_full_searches(self):
        self.check_changes(10, kind="search", poll_ms=200)

    def test_starttls_and_plain(self):
        for security in ("starttls", "plain"):
            directory = self.start_directory(security=security, servers=[{"host": ADDRESS, "port": 13389}])
            self.assertEqual(directory.ask("count"), 3 * PEOPLE)

    def test_domains_and_base(self):
        directory = self.start_directory(domains=["alias.example.test"])
        self.assertEqual(directory.ask("count"), PEOPLE)
        directory = self.start_directory(filter="(uid=u0000*)")
        self.assertEqual(directory.ask("count"), 3 * 99)
        directory = self.start_directory(base=f"ou=left,{slapd.lab.BASE}")
        self.assertEqual(directory.ask("count"), 0)

    def test_local_list_beside_it(self):
        directory = self.start_directory()
        directory.ask("add u000001@example.test")
        directory.ask("add local@example.test")
        self.assertEqual(directory.ask("find u000001@example.test")["source"], "local list")
        directory.ask("remove u000001@example.test")
        self.assertEqual(directory.ask("find u000001@example.test")["source"], "test")
        directory.stop()
        directory.start()
        self.assertEqual(directory.find("local@example.test"), "present")
        self.assertEqual(directory.ask("count"), 3 * PEOPLE + 1)

    def test_random_changes_equal_a_fresh_search(self):
        draw = random.Random(7)
        directory = self.start_directory()
        admin = self.admin()
        people = {}
        for step in range(400):
            self.random_change(draw, admin, people)
            if step in (130, 260):
                directory.kill()
                directory.start()
        self.assert_equals_search(directory, self.entries())
        for name in people:
            admin.delete_s(f"uid={name},{people[name]}")
        self.assert_equals_search(directory, self.entries())

    def random_change(self, draw, admin, people):
        """One of what administrators do; addresses are few, so that several people hold the same."""
        address = f"r{draw.randrange(40)}@example.test"
        kind = draw.choice(("add", "add", "delete", "alias", "replace", "move")) if people else "add"
        if kind == "add":
            name = f"p{draw.randrange(10**9)}"
            people[name] = slapd.PEOPLE
            self.add(admin, name, address)
            return
        name = draw.choice(sorted(people))
        entry = f"uid={name},{people[name]}"
        if kind == "delete":
            admin.delete_s(entry)
            del people[name]
        elif kind == "move":
            people[name] = f"ou=left,{slapd.lab.BASE}" if people[name] == slapd.PEOPLE else slapd.PEOPLE
            admin.rename_s(entry, f"uid={name}", people[name])
        else:
            change = ldap.MOD_REPLACE if kind == "replace" else ldap.MOD_ADD
            values = [f"smtp:{address}".encode()] if kind == "alias" or draw.random() < 0.8 else []
            try:
                admin.modify_s(entry, [(change, "proxyAddresses", values)])
            except ldap.TYPE_OR_VALUE_EXISTS:
                pass


class Questions(OpenLdap):
    """Live look-ups: asked at the server, and not more often than is allowed."""

    def test_answers(self):
        directory = self.start_directory()
        admin = self.admin()
        self.assertEqual(directory.ask("ask u000001@EXAMPLE.test")["present"], 1)
        self.assertEqual(directory.ask("ask first7.last7@example.test")["present"], 1)
        self.assertEqual(directory.ask("ask nobody@example.test")["absent"], 1)
        self.assertEqual(directory.ask("ask *@example.test")["absent"], 1)
        self.assertEqual(directory.ask("ask nobody@example.test")["remembered"], 1)
        self.add(admin, "justnow", "justnow@example.test")
        self.addCleanup(admin.delete_s, f"uid=justnow,{slapd.PEOPLE}")
        self.assertEqual(directory.ask("ask justnow@example.test")["present"], 1)

    def test_flood(self):
        directory = self.start_directory(lookup_rate=10, lookup_burst=20, poll_ms=60000, stale_ms=70000)
        before = self.server.searches()
        small = directory.ask("flood 100")
        large = directory.ask("flood 100000")
        self.assertGreaterEqual(small["absent"], 20)
        self.assertLessEqual(large["asked"], 20 + 10 * (small["ms"] + large["ms"] + 1000) / 1000)
        self.assertLessEqual(self.server.searches() - before, large["asked"] + 4)
        self.assertEqual(directory.find("u000001@example.test"), "present")

    def test_flood_while_frozen(self):
        directory = self.start_directory(lookup_deadline_ms=500)
        self.server.freeze()
        found = directory.ask("flood 100000")
        self.assertEqual(found["unknown"], 100000)
        self.assertLess(found["ms"], 5000)
        self.assertEqual(directory.find("u000001@example.test"), "present")
        self.assertLess(directory.stop(), 5)

    def test_kept_connection_that_was_closed(self):
        directory = self.start_directory(lookup_keep_ms=0)
        self.assertEqual(directory.ask("ask u000001@example.test")["present"], 1)
        self.server.stop()
        self.server.start()
        self.assertEqual(directory.ask("ask u000002@example.test")["present"], 1)


class Trouble(OpenLdap):
    def tearDown(self):
        super().tearDown()
        if not self.server.is_running():
            self.server.start()

    def test_killed_and_restarted(self):
        directory = self.start_directory()
        self.server.kill()
        status = directory.wait_state("stale")
        self.assertRegex(status["error"], "No connection|connection broke")
        self.assertEqual(directory.find("u000001@example.test"), "present")
        self.assertEqual(len(rig.wait_for("it is told", lambda: directory.seen(rig.EVENT_AWAY))), 1)
        self.server.start()
        directory.wait_state("current")
        self.assertEqual(len(rig.wait_for("it is told", lambda: directory.seen(rig.EVENT_BACK))), 1)
        self.assert_equals_search(directory, self.entries())

    def test_frozen(self):
        directory = self.start_directory()
        self.server.freeze()
        status = directory.wait_state("stale", 20)
        rig.wait_for("the silence is noticed", lambda: "in time" in directory.status()["error"] or
                     "silent" in directory.status()["error"], 20)
        self.assertEqual(directory.find("u000002@example.test"), "present")
        other = self.make_directory()
        other.start()
        status = other.wait_state("failed", 20)
        self.assertIn("silent", status["error"])
        self.assertEqual(other.find("u000002@example.test"), "unknown")
        self.assertLess(other.stop(), 5)
        self.server.thaw()
        directory.wait_state("current")

    def test_frozen_while_it_stops(self):
        for security, port in (("ldaps", 13636), ("starttls", 13389), ("plain", 13389)):
            directory = self.start_directory(security=security, servers=[{"host": ADDRESS, "port": port}],
                                             connect_ms=30000, answer_ms=30000)
            self.server.freeze()
            directory.ask("full")
            self.assertLess(directory.stop(), 5 if rig.KIND == "host" else 8)
            self.server.thaw()

    def test_second_server(self):
        servers = [{"host": "127.0.0.99", "port": 1}, {"host": ADDRESS, "port": 13636}]
        directory = self.start_directory(servers=servers)
        self.assertEqual(directory.status()["server"], f"{ADDRESS} port 13636")

    def test_certificate_of_another_authority(self):
        directory = self.start_directory()
        trusted = self.server.ca_file.read_bytes()
        self.server.stop()
        self.server.new_certificate()
        untrusted = pathlib.Path(self.folder.name) / "old-ca.pem"
        untrusted.write_bytes(trusted)
        self.server.start()
        other = self.make_directory(ca_file=rig.native_path(untrusted))
        other.start()
        status = other.wait_state("failed")
        self.assertIn("not trusted", status["error"])
        self.assertEqual(other.find("u000001@example.test"), "unknown")
        # The file is read at the start: the running one still has the old authority.
        rig.wait_for("the certificate is refused", lambda: "not trusted" in directory.status()["error"])
        self.assertEqual(directory.find("u000001@example.test"), "present")
        starttls = self.make_directory(ca_file=rig.native_path(untrusted), security="starttls",
                                       servers=[{"host": ADDRESS, "port": 13389}])
        starttls.start()
        self.assertIn("not trusted", starttls.wait_state("failed")["error"])

    def test_certificate_for_another_name_or_over(self):
        for names, days, reason in ((["DNS:other.example.test"], 10, "is not for"),
                                    ([f"IP:{ADDRESS}"], -1, "not valid now")):
            self.server.stop()
            self.server.new_certificate(names, authority=False, days=days)
            self.server.start()
            directory = self.make_directory()
            directory.start()
            self.assertIn(reason, directory.wait_state("failed")["error"])
        self.server.stop()
        self.server.new_certificate(authority=False)

    def test_wrong_and_changed_password(self):
        directory = self.make_directory(password="wrong")
        directory.start()
        status = directory.wait_state("failed")
        self.assertEqual(status["code"], 49)
        self.assertIn("password is wrong", status["error"])
        empty = self.make_directory(password="")
        empty.start()
        self.assertIn("no password", empty.wait_state("failed")["error"])
        running = self.start_directory()
        change = [(ldap.MOD_REPLACE, "userPassword", [b"changed"])]
        self.admin().modify_s(slapd.SERVICE, change)
        self.addCleanup(lambda: self.admin().modify_s(
            slapd.SERVICE, [(ldap.MOD_REPLACE, "userPassword", [slapd.SERVICE_PASSWORD.encode()])]))
        self.server.stop()
        self.server.start()
        self.assertIn("password is wrong",
                      rig.wait_for("the bind is refused",
                                   lambda: (lambda s: s["error"] if s["code"] == 49 else "")(running.status())))
        self.assertEqual(running.find("u000001@example.test"), "present")

    def test_size_limit(self):
        for kind in ("sync", "search"):
            directory = self.make_directory(kind=kind, account=slapd.LIMITED, password=slapd.LIMITED_PASSWORD)
            directory.start()
            status = directory.wait_state("failed")
            self.assertIn("size limit", status["error"])
            self.assertEqual(directory.find("nobody@example.test"), "unknown")

    def test_size_limit_of_a_filled_one_removes_nothing(self):
        directory = self.start_directory(kind="search")
        directory.stop()
        directory.settings.update(account=slapd.LIMITED, password=slapd.LIMITED_PASSWORD)
        directory.start()
        rig.wait_for("the limit is noticed", lambda: "size limit" in directory.status()["error"])
        self.assertEqual(directory.ask("count"), 3 * PEOPLE)

    def test_changes_while_it_was_away(self):
        """Also when the server has lost the log from which it could tell what was deleted."""
        for kind in ("sync", "search"):
            directory = self.start_directory(kind=kind)
            directory.stop()
            admin = self.admin()
            self.add(admin, "away", "away@example.test")
            admin.delete_s(f"uid=u000010,{slapd.PEOPLE}")
            self.server.stop()
            self.server.start()
            directory.start()
            directory.wait_find("away@example.test", "present")
            directory.wait_find("u000010@example.test", "absent")
            self.assert_equals_search(directory, self.entries())
            admin = self.admin()
            admin.delete_s(f"uid=away,{slapd.PEOPLE}")
            self.add_person(admin, 10)
            self.assert_equals_search(directory, self.entries())

    def test_cookie_that_the_server_does_not_know(self):
        import sqlite3
        for cookie in (b"Sgarbage", b"Srid=000,csn=20990101000000.000000Z#000000#000#000000", b"Dxx"):
            directory = self.start_directory()
            directory.stop()
            with sqlite3.connect(directory.folder / "directory.db") as database:
                database.execute("UPDATE ldap_source SET cookie = ?", (cookie,))
            database.close()
            admin = self.admin()
            admin.delete_s(f"uid=u000011,{slapd.PEOPLE}")
            directory.start()
            directory.wait_state("current")
            self.assert_equals_search(directory, self.entries())
            self.add_person(admin, 11)
            directory.wait_find("u000011@example.test", "present")

    def test_rights_lost_removes_nothing(self):
        """An account that sees nothing any more gets an empty answer, not an error."""
        directory = self.start_directory(kind="search")
        directory.stop()
        directory.settings.update(account=slapd.ADMIN, password=slapd.ADMIN_PASSWORD, base=slapd.lab.BASE,
                                  filter="")
        plain = directory.settings.copy()
        directory.settings.update(account="", password="")
        directory.start()
        status = rig.wait_for("the loss is noticed", lambda: (lambda s: s if s["failures"] else None)(directory.status()))
        self.assertRegex(status["error"], "no longer shows|no such entry")
        self.assertEqual(directory.ask("count"), 3 * PEOPLE)
        directory.stop()
        directory.settings = plain
        directory.start()
        directory.wait_state("current")

    def test_many_removed_is_asked_about(self):
        directory = self.start_directory(kind="search", removed_percent=10)
        directory.stop()
        admin = self.admin()
        for number in range(1, 301):
            self.addCleanup(self.add_person, admin, number)
            admin.delete_s(f"uid=u{number:06d},{slapd.PEOPLE}")
        directory.start()
        rig.wait_for("it is noticed", lambda: "no longer shows 300" in directory.status()["error"])
        self.assertEqual(directory.ask("count"), 3 * PEOPLE)
        directory.ask("believe")
        directory.wait_find("u000001@example.test", "absent")
        self.assert_equals_search(directory, self.entries())


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv)
