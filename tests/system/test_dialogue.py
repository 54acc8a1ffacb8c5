"""The SMTP language as a stranger on the wire meets it."""
import re
import subprocess
import unittest

from gatepost import EVENT_LISTENING, Client, SystemTest, free_port, settings, wait_for

GOOD = "From: ann@elsewhere.test\r\nSubject: Hello\r\nMessage-ID: <1@elsewhere.test>\r\n\r\nText.\r\n"


class Dialogue(SystemTest):
    def test_greeting_and_features(self):
        _, port = self.standard()
        with Client(port) as client:
            self.assertRegex(client.greeting, r"^220 gate\.example\.test ")
            self.assertNotIn("Microsoft", client.greeting)
            features = client.ask("EHLO client.test").splitlines()
            self.assertRegex(features[0], r"^250-gate\.example\.test Hello \[127\.0\.0\.1\]")
            names = {line[4:].split()[0] for line in features[1:]}
            self.assertLessEqual({"SIZE", "8BITMIME", "PIPELINING", "ENHANCEDSTATUSCODES", "CHUNKING", "DSN", "SMTPUTF8"}, names)
            self.assertIn("SIZE 10485760", [line[4:] for line in features])
            self.assertRegex(client.ask("HELP"), r"^214")
            self.assertRegex(client.ask("VRFY info"), r"^252 ")
            self.assertRegex(client.ask("EXPN staff"), r"^502 ")
            self.assertRegex(client.ask("NOOP"), r"^250 ")
            self.assertRegex(client.ask("FROB x"), r"^500 5\.")
            self.assertRegex(client.ask("QUIT"), r"^221 2\.0\.0 ")
            self.assertTrue(client.closed())

    def test_order_of_commands(self):
        _, port = self.standard()
        with Client(port) as client:
            self.assertRegex(client.ask("MAIL FROM:<a@elsewhere.test>"), r"^503 5\.5\.")
            client.ask("HELO client.test")
            self.assertRegex(client.ask("RCPT TO:<info@example.test>"), r"^503 5\.5\.")
            self.assertRegex(client.ask("DATA"), r"^503 5\.5\.")
            self.assertRegex(client.ask("MAIL FROM:<a@elsewhere.test>"), r"^250 2\.1\.0 a@elsewhere\.test")
            self.assertRegex(client.ask("MAIL FROM:<b@elsewhere.test>"), r"^503 5\.5\.")
            self.assertRegex(client.ask("DATA"), r"^(503|554) 5\.5\.1")
            self.assertRegex(client.ask("RSET"), r"^250 2\.")
            self.assertRegex(client.ask("MAIL FROM:<b@elsewhere.test> FROB=1"), r"^555 5\.5\.4")
            self.assertRegex(client.ask("MAIL FROM:<b@@elsewhere.test>"), r"^(501|553) 5\.1\.")
            self.assertRegex(client.ask("MAIL FROM:<b@elsewhere.test> SIZE=99999999999"), r"^552 5\.3\.4")

    def test_good_message_reaches_the_drop_folder(self):
        service, port = self.standard()
        with Client(port) as client:
            client.ask("EHLO client.test")
            replies = client.message("ann@elsewhere.test", ["info@example.test", "sales@example.test"],
                                     GOOD + ".leading dot\r\n..two".replace("\r\n.", "\r\n..").replace(".leading", "..leading", 1))
        self.assertRegex(replies[-1], r"^250 2\.6\.0 <1@elsewhere\.test> Queued mail for delivery")
        ident = re.search(r"\b([0-9A-HJKMNP-TV-Z]{13})\b", replies[-1]).group(1)
        path = wait_for("the message is dropped", service.drop_files)[0]
        content = path.read_bytes()
        head, body = content.split(b"\r\n\r\n", 1)
        self.assertNotIn(b"\n", content.replace(b"\r\n", b""))
        lines = head.decode().split("\r\n")
        self.assertEqual(lines[0], "X-Sender: ann@elsewhere.test")
        self.assertEqual(lines[1:3], ["X-Receiver: info@example.test", "X-Receiver: sales@example.test"])
        self.assertIn("Return-Path: <ann@elsewhere.test>", lines)
        received = re.search(r"Received: from client\.test.*?(?=\r\n\S)", head.decode(), re.S).group(0)
        self.assertIn("[127.0.0.1]", received)
        self.assertIn("by gate.example.test", received)
        self.assertRegex(received, r"with ESMTP\b")
        self.assertIn(ident, received)
        self.assertEqual(body, b"Text.\r\n.leading dot\r\n..two\r\n")

    def test_one_identifier_runs_through_everything(self):
        service, port = self.standard()
        with Client(port) as client:
            client.ask("EHLO client.test")
            reply = client.message("ann@elsewhere.test", ["info@example.test"], GOOD)[-1]
        ident = re.search(r"\b([0-9A-HJKMNP-TV-Z]{13})\b", reply).group(1)
        rows = service.wait_tracked(4, message=ident)
        self.assertEqual({row["event"] for row in rows}, {"received", "stored", "routed", "delivered"})
        self.assertEqual({row["message"] for row in rows}, {ident})
        self.assertEqual(len({row["session"] for row in rows if row.get("session")}), 1)

    def test_pipelined_batch(self):
        service, port = self.standard()
        with Client(port) as client:
            client.ask("EHLO client.test")
            client.send("MAIL FROM:<a@elsewhere.test>\r\nRCPT TO:<info@example.test>\r\nRCPT TO:<nobody@example.test>\r\n"
                        "RCPT TO:<sales@example.test>\r\nDATA\r\n")
            self.assertEqual([client.reply()[:3] for _ in range(5)], ["250", "250", "550", "250", "354"])
            client.send(GOOD + ".\r\nMAIL FROM:<b@elsewhere.test>\r\nRCPT TO:<nobody@example.test>\r\nDATA\r\nRSET\r\nQUIT\r\n")
            replies = [client.reply()[:3] for _ in range(6)]
            self.assertEqual(replies[:3], ["250", "250", "550"])
            self.assertIn(replies[3], ("503", "554"))
            self.assertEqual(replies[4:], ["250", "221"])
        self.assertEqual(len(wait_for("the message is dropped", service.drop_files)), 1)

    def test_bdat(self):
        service, port = self.standard()
        body = b"Subject: chunks\r\n\r\n.\r\n..\r\nend\r\n"
        with Client(port) as client:
            client.ask("EHLO client.test")
            client.ask("MAIL FROM:<a@elsewhere.test>")
            client.ask("RCPT TO:<info@example.test>")
            client.send(b"BDAT 7\r\n" + body[:7])
            self.assertRegex(client.reply(), r"^250 ")
            client.send(b"BDAT %d LAST\r\n" % (len(body) - 7) + body[7:])
            self.assertRegex(client.reply(), r"^250 2\.6\.0")
        content = wait_for("the message is dropped", service.drop_files)[0].read_bytes()
        self.assertTrue(content.endswith(b"\r\n\r\n.\r\n..\r\nend\r\n"), content)

    def test_smtputf8(self):
        service, port = self.standard(recipients=("jörg@example.test",))
        with Client(port) as client:
            client.ask("EHLO client.test")
            self.assertRegex(client.ask("MAIL FROM:<ü@elsewhere.test>"), r"^55[03] 5\.6\.7|^501 5\.")
            self.assertRegex(client.ask("MAIL FROM:<ü@elsewhere.test> SMTPUTF8"), r"^250 ")
            self.assertRegex(client.ask("RCPT TO:<JÖRG@example.test>"), r"^250 ")
            self.assertRegex(client.ask("RCPT TO:<jürg@example.test>"), r"^550 5\.1\.1")
            client.ask("DATA")
            client.send("Subject: Grüße\r\n\r\nText\r\n.\r\n")
            self.assertRegex(client.reply(), r"^250 2\.6\.0")
        content = wait_for("the message is dropped", service.drop_files)[0].read_bytes().decode()
        self.assertRegex(content, r"with UTF8SMTP")

    def test_dsn_parameters_are_taken(self):
        _, port = self.standard()
        with Client(port) as client:
            client.ask("EHLO client.test")
            self.assertRegex(client.ask("MAIL FROM:<a@elsewhere.test> RET=HDRS ENVID=QQ+2B1"), r"^250 ")
            self.assertRegex(client.ask("RCPT TO:<info@example.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;info@example.test"), r"^250 ")
            self.assertRegex(client.ask("RCPT TO:<info@example.test> NOTIFY=NEVER,DELAY"), r"^501 5\.5\.4")

    def test_swaks(self):
        service, port = self.standard()
        done = subprocess.run(["swaks", "--server", f"127.0.0.1:{port}", "--to", "info@example.test", "--from", "a@elsewhere.test"],
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        done = subprocess.run(["swaks", "--server", f"127.0.0.1:{port}", "--to", "nobody@example.test", "--from", "a@elsewhere.test"],
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 24, done.stdout + done.stderr)  # 24: all recipients refused
        self.assertIn("550 5.1.1", done.stdout)
        wait_for("the message is dropped", service.drop_files)


class Limits(SystemTest):
    def server(self, **limits):
        port = free_port()
        document = settings(port)
        document["virtual_servers"][0].update(limits)
        return self.service(document, ("info@example.test",)), port

    def test_size_is_refused_early_and_late(self):
        service, port = self.server(message_size=10)
        with Client(port) as client:
            self.assertIn("SIZE 10240", client.ask("EHLO client.test"))
            self.assertRegex(client.ask("MAIL FROM:<a@elsewhere.test> SIZE=10241"), r"^552 5\.3\.4")
            replies = client.message("a@elsewhere.test", ["info@example.test"], "Subject: x\r\n\r\n" + "0123456789abcde\r\n" * 1000)
            self.assertRegex(replies[-1], r"^552 5\.3\.4")
            replies = client.message("a@elsewhere.test", ["info@example.test"], GOOD)
            self.assertRegex(replies[-1], r"^250 2\.6\.0")
        wait_for("the good message is dropped", service.drop_files)
        self.assertEqual(len(service.drop_files()), 1)

    def test_recipients_a_message(self):
        service, port = self.server(recipients_per_message=2)
        for name in ("one", "two", "three"):
            service.cli("recipient", "add", f"{name}@example.test")
        with Client(port) as client:
            client.ask("EHLO client.test")
            replies = client.message("a@elsewhere.test", ["one@example.test", "two@example.test", "three@example.test"], GOOD)
        self.assertRegex(replies[3], r"^452 4\.5\.3")
        self.assertRegex(replies[-1], r"^250 2\.6\.0")

    def test_errors_end_a_session(self):
        _, port = self.server(errors_per_session=3)
        with Client(port) as client:
            client.ask("EHLO client.test")
            replies = []
            for _ in range(10):
                replies.append(client.ask("FROB"))
                if replies[-1].startswith("421"):
                    break
            self.assertRegex(replies[-1], r"^421 4\.")
            self.assertLessEqual(len(replies), 5)
            self.assertTrue(client.closed())

    def test_hop_count(self):
        service, port = self.server(hop_count=3)
        hop = "Received: from a by b; Tue, 24 Nov 2026 10:00:00 +0000\r\n"
        with Client(port) as client:
            client.ask("EHLO client.test")
            self.assertRegex(client.message("a@elsewhere.test", ["info@example.test"], hop * 4 + GOOD)[-1], r"^554 5\.4\.6")
            self.assertRegex(client.message("a@elsewhere.test", ["info@example.test"], hop * 2 + GOOD)[-1], r"^250 ")
        wait_for("the message is dropped", service.drop_files)

    def test_connections_and_connections_an_address(self):
        service, port = self.server(connections=3, connections_per_address=2)
        with Client(port) as first, Client(port) as second:
            self.assertRegex(first.greeting, "^220")
            self.assertRegex(second.greeting, "^220")
            with Client(port) as third:
                self.assertRegex(third.greeting, r"^421 4\.")
                self.assertTrue(third.closed())
            with Client(port, source="127.0.0.2") as other:
                self.assertRegex(other.greeting, "^220")
                with Client(port, source="127.0.0.3") as beyond:
                    self.assertRegex(beyond.greeting, r"^421 4\.")
        rows = service.wait_tracked(2, event="connection-refused")
        self.assertEqual({row["client"] for row in rows}, {"127.0.0.1", "127.0.0.3"})

    def test_greeting_delay_catches_early_talkers(self):
        _, port = self.server(greeting_delay=1500)
        with Client(port, greet=False) as client:
            client.send("EHLO early.test\r\n")
            self.assertRegex(client.reply(), r"^5\d\d 5\.")
            self.assertTrue(client.closed())
        with Client(port) as patient:
            self.assertRegex(patient.greeting, "^220")

    def test_command_line_and_nul(self):
        _, port = self.server()
        with Client(port) as client:
            client.ask("EHLO client.test")
            self.assertRegex(client.ask("NOOP " + "x" * 5000), r"^500 5\.5\.")
            client.send(b"NOOP \0\r\n")
            self.assertRegex(client.reply(), r"^50[01] 5\.5\.")
            self.assertRegex(client.ask("NOOP"), r"^250 ")


class Smuggling(SystemTest):
    """Only <CRLF>.<CRLF> ends a message, and a bare CR or LF never does."""

    ENDS = [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n", b"\r\n\0.\r\n", b"\n.\n\n"]

    def attack(self, end, port):
        """One message that tries to end early and smuggle a second one; returns the final reply."""
        with Client(port) as client:
            client.ask("EHLO client.test")
            client.ask("MAIL FROM:<a@elsewhere.test>")
            client.ask("RCPT TO:<info@example.test>")
            client.ask("DATA")
            client.send(b"Subject: outer\r\n\r\nText" + end +
                        b"MAIL FROM:<smuggled@elsewhere.test>\r\nRCPT TO:<sales@example.test>\r\nDATA\r\n"
                        b"Subject: smuggled\r\n\r\nText\r\n.\r\n")
            reply = client.reply()
            self.assertTrue(client.ask("NOOP").startswith("250"), "one reply, not those of smuggled commands")
            return reply

    def test_reject(self):
        service, port = self.standard()
        for end in self.ENDS:
            with self.subTest(end=end):
                self.assertRegex(self.attack(end, port), r"^5\d\d 5\.")
        rows = service.wait_tracked(len(self.ENDS), event="message-refused")
        self.assertEqual(len(rows), len(self.ENDS))
        self.assertEqual(service.waiting(), 0)
        self.assertEqual(service.drop_files(), [])

    def test_convert(self):
        port = free_port()
        document = settings(port)
        document["virtual_servers"][0]["bare_line_ends"] = "convert"
        service = self.service(document, ("info@example.test", "sales@example.test"))
        for end in (b"\n.\n", b"\r.\r", b"\r\n.\n", b"\r.\r\n"):
            with self.subTest(end=end):
                self.assertRegex(self.attack(end, port), r"^250 2\.6\.0")
        wait_for("all four are dropped", lambda: len(service.drop_files()) == 4)
        for path in service.drop_files():
            content = path.read_bytes()
            self.assertNotIn(b"X-Sender: smuggled", content)
            self.assertNotIn(b"\n", content.replace(b"\r\n", b""))
            self.assertNotIn(b"\r", content.replace(b"\r\n", b""))


class Addresses(SystemTest):
    def test_several_virtual_servers_and_ipv6(self):
        ports = [free_port(), free_port(), free_port("::1")]
        document = settings(ports[0])
        document["virtual_servers"][0]["addresses"].append({"address": "::1", "port": ports[2]})
        document["virtual_servers"].append({
            "name": "Second", "host_name": "second.example.test",
            "addresses": [{"address": "127.0.0.1", "port": ports[1]}]})
        service = self.service(document, ("info@example.test",))
        self.assertEqual(len(service.events(EVENT_LISTENING)), 3)
        with Client(ports[1]) as client:
            self.assertRegex(client.greeting, r"^220 second\.example\.test ")
        with Client(ports[2], address="::1") as client:
            self.assertRegex(client.ask("EHLO six.test"), r"\[(IPv6:)?::1\]")
            self.assertRegex(client.message("a@elsewhere.test", ["info@example.test"], GOOD)[-1], r"^250 2\.6\.0")
        content = wait_for("the message is dropped", service.drop_files)[0].read_bytes()
        self.assertIn(b"[IPv6:::1]", content)


if __name__ == "__main__":
    unittest.main(verbosity=2)
