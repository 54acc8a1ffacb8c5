"""Who is let in: recipient filter, relaying, postmaster, trusted hosts, and the reasons that `explain` gives."""
import base64
import unittest

from gatepost import EVENT_FILTER_NOT_APPLIED, Client, SystemTest, free_port, native_path, settings, wait_for


def verdict(port, recipient, source=None):
    with Client(port, source=source) as client:
        client.ask("EHLO client.test")
        client.ask("MAIL FROM:<a@elsewhere.test>")
        return client.ask(f"RCPT TO:<{recipient}>")


class RecipientFilter(SystemTest):
    def test_unknown_blocked_relay_postmaster(self):
        service, port = self.standard(recipients=("info@example.test", "press@example.test"),
                                      recipient_filter={"blocked": ["press@example.test"]})
        self.assertRegex(verdict(port, "info@example.test"), r"^250 2\.1\.5 info@example\.test")
        self.assertRegex(verdict(port, "INFO@Example.TEST"), r"^250 ")
        self.assertRegex(verdict(port, "nobody@example.test"), r"^550 5\.1\.1 User unknown")
        self.assertRegex(verdict(port, "press@example.test"), r"^550 5\.7\.1 Requested action not taken: mailbox not available")
        self.assertRegex(verdict(port, "x@other.test"), r"^550 5\.7\.1 Unable to relay for x@other\.test")
        self.assertRegex(verdict(port, "postmaster@example.test"), r"^250 ")
        self.assertRegex(verdict(port, "Postmaster"), r"^250 ")
        self.assertRegex(verdict(port, "postmaster@other.test"), r"^550 5\.7\.1")
        rows = service.wait_tracked(4, event="recipient-refused")
        reasons = {row["recipient"]: row["reason"] for row in rows}
        self.assertEqual(reasons["nobody@example.test"], "recipient-unknown")
        self.assertEqual(reasons["press@example.test"], "recipient-blocked")
        self.assertEqual(reasons["x@other.test"], "relay-denied")

    def test_changes_of_the_list_count_at_once(self):
        service, port = self.standard(recipients=())
        self.assertRegex(verdict(port, "new@example.test"), r"^451 4\.3\.0", "a list that never held an address knows nothing")
        service.cli("recipient", "add", "new@example.test")
        self.assertRegex(verdict(port, "new@example.test"), r"^250 ")
        service.cli("recipient", "remove", "new@example.test")
        self.assertRegex(verdict(port, "new@example.test"), r"^550 5\.1\.1")
        service.cli("recipient", "add", "kept@example.test")
        service.stop()
        service.start()
        self.assertRegex(verdict(port, "kept@example.test"), r"^250 ")

    def test_import_csv_and_ldif(self):
        service, port = self.standard(recipients=("old@example.test",))
        csv = self.folder / "list.csv"
        csv.write_text('displayName;mail\n"Smith; Ann";ann@example.test\nBob,bob@example.test;bob@example.test\n', encoding="utf-8-sig")
        service.cli("recipient", "import", native_path(csv))
        for name in ("ann", "bob", "old"):
            self.assertRegex(verdict(port, f"{name}@example.test"), r"^250 ", name)
        ldif = self.folder / "list.ldif"
        hidden = base64.b64encode("smtp:zoë@example.test".encode()).decode()
        ldif.write_text("version: 1\n\ndn: cn=One\nproxyAddresses: SMTP:one@example.test\nproxyAddresses: smtp:un\n o@example.test\n"
                        f"proxyAddresses:: {hidden}\nproxyAddresses: X400:c=US\nmail: one@example.test\n", encoding="utf-8")
        service.cli("recipient", "import", native_path(ldif), "--replace")
        listed = {row["address"] for row in service.json("recipient", "list")["recipients"]}
        self.assertEqual(listed, {"one@example.test", "uno@example.test", "zoë@example.test"})
        self.assertRegex(verdict(port, "ann@example.test"), r"^550 5\.1\.1")

    def test_bad_import_changes_nothing(self):
        service, port = self.standard(recipients=("old@example.test",))
        bad = self.folder / "bad.ldif"
        bad.write_text("dn: cn=One\nchangetype: delete\n\n", encoding="utf-8")
        done = service.cli("recipient", "import", native_path(bad), "--replace", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"[Ll]ine \d")
        self.assertRegex(verdict(port, "old@example.test"), r"^250 ")

    def test_trusted_hosts_bypass_and_relay(self):
        service, port = self.standard(message_delivery={"trusted_hosts": ["127.0.0.2/32"]},
                                      outbound={"smart_host": "127.0.0.1", "smart_host_port": free_port()})
        self.assertRegex(verdict(port, "nobody@example.test"), r"^550 5\.1\.1")
        self.assertRegex(verdict(port, "nobody@example.test", source="127.0.0.2"), r"^250 ")
        self.assertRegex(verdict(port, "x@other.test", source="127.0.0.2"), r"^250 ")
        self.assertRegex(verdict(port, "x@other.test"), r"^550 5\.7\.1")
        with Client(port, source="127.0.0.2") as client:
            client.ask("EHLO own.test")
            client.message("a@example.test", ["info@example.test"], "Subject: bare\r\n\r\nText\r\n")
        content = wait_for("the message is dropped", service.drop_files)[0].read_bytes()
        self.assertRegex(content, rb"\r\nMessage-ID: <[^>]+@gate\.example\.test>\r\n")
        self.assertRegex(content, rb"\r\nDate: \w{3}, \d{1,2} \w{3} \d{4} ")
        self.assertEqual(service.track(message_id="")[-1:], service.track()[-1:])

    def test_strangers_get_no_headers_added(self):
        service, port = self.standard()
        with Client(port) as client:
            client.ask("EHLO client.test")
            client.message("a@elsewhere.test", ["info@example.test"], "Subject: bare\r\n\r\nText\r\n")
        content = wait_for("the message is dropped", service.drop_files)[0].read_bytes()
        self.assertNotIn(b"Message-ID:", content)

    def test_filter_applies_only_where_it_is_switched_on(self):
        ports = free_port(), free_port()
        document = settings(ports[0])
        document["virtual_servers"][0]["addresses"].append({"address": "127.0.0.1", "port": ports[1], "apply_recipient_filter": False})
        service = self.service(document, ("info@example.test",))
        self.assertRegex(verdict(ports[0], "nobody@example.test"), r"^550 5\.1\.1")
        self.assertRegex(verdict(ports[1], "nobody@example.test"), r"^250 ")
        self.assertRegex(verdict(ports[1], "x@other.test"), r"^550 5\.7\.1")
        self.assertEqual(len(service.events(EVENT_FILTER_NOT_APPLIED)), 1)

    def test_relay_domain_and_detail(self):
        port = free_port()
        document = settings(port, recipient_filter={"detail_separator": "+"})
        document["accepted_domains"].append({"domain": "branch.test", "type": "relay", "deliver_to": "host", "host": "127.0.0.1", "port": free_port()})
        self.service(document, ("info@example.test",))
        self.assertRegex(verdict(port, "anyone@branch.test"), r"^250 ")
        self.assertRegex(verdict(port, "info+news@example.test"), r"^250 ")
        self.assertRegex(verdict(port, "nobody+news@example.test"), r"^550 5\.1\.1")

    def test_explain_says_what_the_wire_says(self):
        service, port = self.standard(recipients=("info@example.test", "press@example.test"),
                                      recipient_filter={"blocked": ["press@example.test"]},
                                      message_delivery={"trusted_hosts": ["192.0.2.0/24"]})
        for address in ("info@example.test", "nobody@example.test", "press@example.test", "x@other.test", "postmaster@example.test"):
            told = service.json("recipient", "explain", address)
            said = verdict(port, address)
            self.assertEqual(told["verdict"], "accept" if said.startswith("250") else "refuse", address)
            if not said.startswith("250"):
                self.assertTrue(said.startswith(told["reply"]), (said, told["reply"]))
            self.assertTrue(any(step["decided"] for step in told["steps"]))
        self.assertEqual(service.json("recipient", "explain", "nobody@example.test", "--from", "192.0.2.7")["verdict"], "accept")
        words = service.cli("recipient", "explain", "nobody@example.test").stdout
        self.assertIn("recipient-unknown", words)


if __name__ == "__main__":
    unittest.main(verbosity=2)
