"""Active Directory (a Samba domain): DirSync and uSNChanged, and everything that can go wrong with a server."""
import pathlib
import random
import sqlite3
import sys
import unittest

import ldap

import rig  # first: it knows where the lab is
import domain

ADDRESS = "127.0.0.60"
PEOPLE = 1000
KNOWN = 3 * PEOPLE + 3  # and a contact, a group and a folder
ELSEWHERE = f"OU=Elsewhere,{domain.BASE}"
READER = {"account": domain.READER, "password": domain.READER_PASSWORD}


class ActiveDirectory(rig.Case):
    @classmethod
    def make_server(cls, folder):
        return domain.Domain(folder, ADDRESS).make(PEOPLE)

    def usual_settings(self):
        return {"servers": [{"host": ADDRESS}], "ca_file": rig.native_path(self.server.ca_file),
                "account": domain.SERVICE, "password": domain.SERVICE_PASSWORD}

    def admin(self):
        connection = ldap.initialize(f"ldaps://{ADDRESS}")
        connection.set_option(ldap.OPT_X_TLS_CACERTFILE, str(self.server.ca_file))
        connection.set_option(ldap.OPT_REFERRALS, 0)
        connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
        connection.simple_bind_s(domain.ADMIN, domain.ADMIN_PASSWORD)
        return connection

    def entries(self, base=domain.BASE):
        enabled = "(&(|(mail=*)(proxyAddresses=*))(!(userAccountControl:1.2.840.113556.1.4.803:=2)))"
        found = self.admin().search_s(base, ldap.SCOPE_SUBTREE, enabled, ["mail", "proxyAddresses"])
        return [rig.addresses_of(attributes) for entry, attributes in found if entry]

    @staticmethod
    def add(admin, name, *addresses, where=ELSEWHERE):
        admin.add_s(f"CN={name},{where}", [
            ("objectClass", b"user"), ("sAMAccountName", name.encode()), ("userAccountControl", b"544"),
            ("proxyAddresses", [f"smtp:{address}".encode() for address in addresses])])

    def remove_if_there(self, *names):
        admin = self.admin()
        for name in names:
            for where in (ELSEWHERE, f"CN=Users,{domain.BASE}"):
                try:
                    admin.delete_s(f"CN={name},{where}")
                except ldap.NO_SUCH_OBJECT:
                    pass


class Changes(ActiveDirectory):
    def check_changes(self, provider, base=domain.BASE, **settings):
        directory = self.start_directory(base=base, poll_ms=200, **settings)
        self.assertEqual(directory.status()["provider"], provider)
        admin = self.admin()
        self.addCleanup(self.remove_if_there, "new", "renamed", "twin", "gone")
        self.assertEqual(directory.find("PARTNER@example.test"), "present")
        self.assertEqual(directory.find("folder@example.test"), "present")
        self.assertTrue(directory.ask("find staff@example.test")["restricted"])
        self.assertEqual(directory.find("new@example.test"), "absent")

        self.add(admin, "new", "new@example.test")
        directory.wait_find("new@example.test", "present", 10)
        entry = f"CN=new,{ELSEWHERE}"
        admin.modify_s(entry, [(ldap.MOD_ADD, "proxyAddresses", [b"smtp:alias@example.test"]),
                               (ldap.MOD_ADD, "mail", [b"mail@example.test"])])
        directory.wait_find("mail@example.test", "present", 10)
        self.assertEqual(directory.find("alias@example.test"), "present")
        admin.modify_s(entry, [(ldap.MOD_DELETE, "proxyAddresses", [b"smtp:new@example.test"])])
        directory.wait_find("new@example.test", "absent", 10)
        self.assertEqual(directory.find("mail@example.test"), "present")
        admin.modify_s(entry, [(ldap.MOD_REPLACE, "userAccountControl", [b"546"])])
        directory.wait_find("mail@example.test", "absent", 10)
        admin.modify_s(entry, [(ldap.MOD_REPLACE, "userAccountControl", [b"544"])])
        directory.wait_find("mail@example.test", "present", 10)
        admin.rename_s(entry, "CN=renamed", ELSEWHERE)
        self.add(admin, "twin", "alias@example.test")
        self.add(admin, "gone", "gone@example.test")
        directory.wait_find("gone@example.test", "present", 10)
        admin.delete_s(f"CN=renamed,{ELSEWHERE}")
        directory.wait_find("mail@example.test", "absent", 10)
        self.assertEqual(directory.find("alias@example.test"), "present")
        admin.modify_s(f"CN=twin,{ELSEWHERE}", [(ldap.MOD_DELETE, "proxyAddresses", None)])
        directory.wait_find("alias@example.test", "absent", 10)
        # Moved out of the base it is no recipient any more, otherwise it stays one.
        admin.rename_s(f"CN=gone,{ELSEWHERE}", "CN=gone", f"CN=Users,{domain.BASE}")
        if base == ELSEWHERE:
            directory.wait_find("gone@example.test", "absent", 10)
        self.assert_equals_search(directory, self.entries(base))
        self.assertEqual(directory.seen(rig.EVENT_AWAY), [])

    def test_dirsync(self):
        self.check_changes("DirSync")

    def test_dirsync_below_a_unit(self):
        self.check_changes("DirSync", ELSEWHERE)

    def test_update_sequence_numbers(self):
        self.check_changes("uSNChanged", kind="usn")

    def test_update_sequence_numbers_below_a_unit(self):
        self.check_changes("uSNChanged", ELSEWHERE, kind="usn")

    def test_without_rights(self):
        """Deletions are not seen: the state says so, and full passes find them."""
        directory = self.start_directory(full_blind_ms=1000, poll_ms=200, **READER)
        self.assertTrue(directory.status()["misses_deletions"])
        self.assertEqual(directory.ask("count"), KNOWN)
        admin = self.admin()
        self.add(admin, "new", "new@example.test")
        directory.wait_find("new@example.test", "present", 10)
        self.remove_if_there("new")
        directory.wait_find("new@example.test", "absent", 10)

    def test_filter_and_disabled(self):
        directory = self.start_directory(filter="(&(objectClass=group)(mail=*))")
        self.assertEqual(directory.ask("dump"), ["staff@example.test"])
        admin = self.admin()
        self.addCleanup(admin.modify_s, f"CN=Staff,{ELSEWHERE}",
                        [(ldap.MOD_REPLACE, "mail", [b"staff@example.test"])])
        admin.modify_s(f"CN=Staff,{ELSEWHERE}", [(ldap.MOD_DELETE, "mail", None)])
        directory.wait_find("staff@example.test", "absent", 10)
        self.addCleanup(self.remove_if_there, "new")
        self.add(admin, "new", "new@example.test")
        admin.modify_s(f"CN=new,{ELSEWHERE}", [(ldap.MOD_REPLACE, "userAccountControl", [b"546"])])
        directory = self.start_directory(disabled=True)
        self.assertEqual(directory.find("new@example.test"), "present")

    def test_many_values(self):
        """More than a server may send at once; with ranges where it does so."""
        admin = self.admin()
        self.addCleanup(self.remove_if_there, "new")
        directory = self.start_directory(poll_ms=200)
        self.add(admin, "new", *[f"many{number}@example.test" for number in range(3000)])
        directory.wait_find("many2999@example.test", "present", 20)
        self.assert_equals_search(directory, self.entries())

    def test_random_changes_equal_a_fresh_search(self):
        draw = random.Random(11)
        for settings in ({}, {"kind": "usn"}):
            directory = self.start_directory(poll_ms=100, **settings)
            admin = self.admin()
            people = {}
            for step in range(150):
                self.random_change(draw, admin, people)
                if step == 70:
                    directory.kill()
                    directory.start()
            self.assert_equals_search(directory, self.entries())
            for name in people:
                admin.delete_s(f"CN={name},{people[name]}")
            self.assert_equals_search(directory, self.entries())

    def random_change(self, draw, admin, people):
        address = f"r{draw.randrange(25)}@example.test"
        kind = draw.choice(("add", "add", "delete", "alias", "none", "move", "disable")) if people else "add"
        if kind == "add":
            name = f"p{draw.randrange(10**9)}"
            people[name] = ELSEWHERE
            self.add(admin, name, address)
            return
        name = draw.choice(sorted(people))
        entry = f"CN={name},{people[name]}"
        if kind == "delete":
            admin.delete_s(entry)
            del people[name]
        elif kind == "move":
            people[name] = f"CN=Users,{domain.BASE}" if people[name] == ELSEWHERE else ELSEWHERE
            admin.rename_s(entry, f"CN={name}", people[name])
        elif kind == "disable":
            admin.modify_s(entry, [(ldap.MOD_REPLACE, "userAccountControl", [draw.choice((b"546", b"544"))])])
        else:
            values = [f"smtp:{address}".encode()] if kind == "alias" else []
            admin.modify_s(entry, [(ldap.MOD_REPLACE, "proxyAddresses", values)])


class Trouble(ActiveDirectory):
    def test_accounts_that_cannot_log_on(self):
        for name, reason in (("disabled", "disabled"), ("expired", "password has expired"),
                             ("mustchange", "must change its password"), ("accountexpired", "has expired")):
            directory = self.make_directory(account=f"{name}@example.test", password=domain.BROKEN_PASSWORD)
            directory.start()
            self.assertIn(reason, directory.wait_state("failed")["error"])
            directory.stop()
        directory = self.make_directory(account="locked@example.test", password="wrong", refused_ms=100)
        directory.start()
        rig.wait_for("the account is locked by wrong passwords", lambda: "is locked" in directory.status()["error"])

    def test_plain_is_refused(self):
        directory = self.make_directory(security="plain")
        directory.start()
        self.assertIn("encrypted connections only", directory.wait_state("failed")["error"])

    def test_starttls(self):
        self.assertEqual(self.start_directory(security="starttls").ask("count"), KNOWN)

    def test_certificate_of_another_authority(self):
        stranger = pathlib.Path(self.folder.name) / "stranger"
        domain.lab.make_authority(stranger)
        directory = self.make_directory(ca_file=rig.native_path(stranger / "ca.pem"))
        directory.start()
        self.assertIn("not trusted", directory.wait_state("failed")["error"])

    def test_found_by_its_domain(self):
        directory = self.start_directory(servers=[], domain="example.test", dns_servers=ADDRESS, security="starttls")
        self.assertEqual(directory.ask("count"), KNOWN)

    def test_frozen_and_killed(self):
        directory = self.start_directory()
        self.server.freeze()
        directory.wait_state("stale", 30)
        rig.wait_for("it is told", lambda: len(directory.seen(rig.EVENT_AWAY)) == 1)
        self.assertEqual(directory.find("u000002@example.test"), "present")
        self.server.thaw()
        directory.wait_state("current")
        self.server.kill()
        directory.wait_state("stale", 30)
        rig.wait_for("it is told", lambda: len(directory.seen(rig.EVENT_AWAY)) == 2)
        self.assertEqual(directory.find("u000002@example.test"), "present")
        self.server.start()
        directory.wait_state("current")
        rig.wait_for("it is told", lambda: len(directory.seen(rig.EVENT_BACK)) == 2)

    def test_changed_password(self):
        directory = self.start_directory()
        self.server.stop()
        self.server.set_password("gatepost", "Other-Pass.1234")
        self.server.start()
        try:
            rig.wait_for("the bind is refused", lambda: directory.status()["code"] == 49)
            self.assertIn("its password is wrong", directory.status()["error"])
            self.assertEqual(directory.find("u000002@example.test"), "present")
        finally:
            self.server.set_password("gatepost", domain.SERVICE_PASSWORD)
        directory.wait_state("current")

    def test_cookie_that_the_server_does_not_know(self):
        for settings, cookie in (({}, b"Dgarbage"), ({"kind": "usn"}, b"Ugarbage"), ({"kind": "usn"}, b"Dxx")):
            directory = self.start_directory(**settings)
            directory.stop()
            with sqlite3.connect(directory.folder / "directory.db") as database:
                database.execute("UPDATE ldap_source SET cookie = ?", (cookie,))
            database.close()
            admin = self.admin()
            admin.modify_s(f"CN=Partner,{ELSEWHERE}", [(ldap.MOD_ADD, "proxyAddresses", [b"smtp:other@example.test"])])
            directory.start()
            directory.wait_find("other@example.test", "present", 20)
            self.assert_equals_search(directory, self.entries())
            admin.modify_s(f"CN=Partner,{ELSEWHERE}",
                           [(ldap.MOD_DELETE, "proxyAddresses", [b"smtp:other@example.test"])])
            directory.wait_find("other@example.test", "absent", 20)

    def test_rolled_back_to_an_older_database(self):
        """As after a restore: what came since is gone, without a deletion to tell of it."""
        backup = pathlib.Path(self.folder.name) / "backup"
        self.server.stop()
        self.server.save(backup)
        self.server.start()
        directories = [self.start_directory(), self.start_directory(kind="usn")]
        self.add(self.admin(), "late", "late@example.test")
        for directory in directories:
            directory.wait_find("late@example.test", "present", 10)
        self.server.stop()
        self.server.restore(backup)
        self.server.start()
        for directory in directories:
            directory.wait_state("current")
            directory.ask("full")
            directory.wait_find("late@example.test", "absent", 20)
            self.assert_equals_search(directory, self.entries())


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv)
