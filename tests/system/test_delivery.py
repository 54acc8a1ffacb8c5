"""From the spool to next hops, drop folder and badmail, with real and with misbehaving next hops."""
import re
import unittest

from gatepost import (EVENT_NEXT_HOP_FAILED, EVENT_NEXT_HOP_RECOVERED, Client, SystemTest, free_port, settings, smtp_source,
                      tool, wait_for, wait_listening)
from nexthop import NextHop

CONTENT = "From: a@elsewhere.test\r\nSubject: Test\r\nMessage-ID: <{0}@elsewhere.test>\r\n\r\nText {0}\r\n.dot\r\n"


class Delivery(SystemTest):
    def gate(self, hop_port, recipients=("info@example.test", "sales@example.test"), **changes):
        port = free_port()
        changes.setdefault("retry", {"glitch_count": 50, "glitch_interval": 1})
        document = settings(port, **changes)
        document["accepted_domains"] = [{"domain": "example.test", "deliver_to": "host", "host": "127.0.0.1", "port": hop_port}]
        return self.service(document, recipients), port

    def send(self, port, number=1, recipients=("info@example.test",)):
        with Client(port) as client:
            client.ask("EHLO client.test")
            replies = client.message("a@elsewhere.test", recipients, CONTENT.format(number).replace("\r\n.dot", "\r\n..dot"))
            self.assertRegex(replies[-1], r"^250 2\.6\.0")
            return re.search(r"\b([0-9A-HJKMNP-TV-Z]{13})\b", replies[-1]).group(1)

    def test_message_arrives_as_it_was_sent(self):
        with NextHop() as hop:
            service, port = self.gate(hop.port)
            ident = self.send(port, recipients=("info@example.test", "sales@example.test"))
            sender, recipients, content = wait_for("the message arrives", hop.received)[0]
            self.assertRegex(sender, r"^MAIL FROM:<a@elsewhere\.test>")
            self.assertEqual([line.split()[1] for line in recipients], ["TO:<info@example.test>", "TO:<sales@example.test>"])
            self.assertTrue(content.startswith(b"Received: "))
            self.assertTrue(content.endswith(CONTENT.format(1).encode() + b"\r\n"), content)
            rows = service.wait_tracked(2, message=ident, event="delivered")
            self.assertEqual({row["recipient"] for row in rows}, {"info@example.test", "sales@example.test"})
            self.assertIn("250 2.0.0 Ok", rows[0]["reply"])
            self.assertIn(str(hop.port), rows[0]["destination"])
            wait_for("nothing waits", lambda: service.waiting() == 0)

    def test_two_thousand_messages_through_to_smtp_sink(self):
        sink_port, dump = free_port(), self.folder / "dump"
        dump.mkdir()
        dump.chmod(0o777)
        self.folder.chmod(0o755)
        with tool("/usr/sbin/smtp-sink", "-u", "nobody", "-D", str(dump / "all"), f"127.0.0.1:{sink_port}", "256"):
            wait_listening(sink_port)
            service, port = self.gate(sink_port)
            done = smtp_source(port, 2000)
            self.assertEqual(done.returncode, 0, done.stderr)
            wait_for("nothing waits", lambda: service.waiting() == 0)
            self.assertEqual(service.json("status")["counters"]["messages"], 2000)
            self.assertEqual(sum(path.read_bytes().count(b"X-Mail-Args:") for path in dump.iterdir()), 2000)

    def test_deferral_is_tried_again(self):
        answers = iter(["451 4.7.1 Greylisted, come back"])
        with NextHop(rcpt=lambda _: next(answers, "")) as hop:
            service, port = self.gate(hop.port)
            ident = self.send(port)
            wait_for("the message arrives in the end", hop.received)
            history = [row["event"] for row in service.wait_tracked(5, message=ident)][::-1]
            self.assertEqual(history, ["received", "stored", "routed", "deferred", "delivered"])
            self.assertIn("Greylisted", service.track(message=ident, event="deferred")[0]["reply"])

    def test_refused_recipient_goes_to_badmail_and_the_other_arrives(self):
        with NextHop(rcpt=lambda command: "550 5.2.1 Mailbox disabled" if "sales" in command else "") as hop:
            service, port = self.gate(hop.port)
            ident = self.send(port, recipients=("info@example.test", "sales@example.test"))
            wait_for("the good one arrives", hop.received)
            self.assertEqual(len(hop.received()[0][1]), 1)
            path = wait_for("badmail", service.badmail_files)[0]
            self.assertIn(b"Text 1", path.read_bytes())
            reason = path.with_suffix(".txt").read_text()
            self.assertIn("sales@example.test", reason)
            self.assertIn("Mailbox disabled", reason)
            events = {row["event"] for row in service.wait_tracked(1, message=ident, event="badmail") + service.track(message=ident)}
            self.assertLessEqual({"failed", "badmail", "delivered"}, events)
            wait_for("nothing waits", lambda: service.waiting() == 0)

    def test_next_hop_that_is_away(self):
        hop_port = free_port()
        service, port = self.gate(hop_port)
        for number in range(5):
            self.send(port, number)
        wait_for("an event tells that the next hop is away", lambda: service.events(EVENT_NEXT_HOP_FAILED))
        queues = service.json("queue", "list")["queues"]
        self.assertEqual([(queue["messages"], queue["state"]) for queue in queues], [(5, "retry")])
        self.assertTrue(queues[0]["last_error"])
        with NextHop(port=hop_port) as hop:
            wait_for("all five arrive", lambda: len(hop.received()) == 5)
            wait_for("an event tells that it is back", lambda: service.events(EVENT_NEXT_HOP_RECOVERED))
        self.assertEqual(len(service.events(EVENT_NEXT_HOP_FAILED)), 1)

    def test_next_hop_that_closes_in_the_content(self):
        answers = iter([None, None])
        with NextHop(content=lambda _: next(answers, "")) as hop:
            service, port = self.gate(hop.port)
            self.send(port)
            wait_for("the message arrives in the end", hop.received)
            self.assertEqual(len(service.wait_tracked(2, event="deferred")), 2)

    def test_expiry_goes_to_badmail(self):
        with NextHop(mail=lambda _: "450 4.2.0 Not today") as hop:
            service, port = self.gate(hop.port, retry={"glitch_count": 100, "glitch_interval": 1, "expiration": 1})
            ident = self.send(port)
            wait_for("badmail after a minute", service.badmail_files)
            events = [row["event"] for row in service.wait_tracked(1, message=ident, event="expired")]
            self.assertEqual(events, ["expired"])

    def test_connections_are_reused(self):
        with NextHop() as hop:
            service, port = self.gate(hop.port, outbound={"connections_per_destination": 1})
            with Client(port) as client:
                client.ask("EHLO client.test")
                for number in range(40):
                    client.message("a@elsewhere.test", ["info@example.test"], CONTENT.format(number))
            wait_for("all arrive", lambda: len(hop.received()) == 40)
            self.assertEqual(hop.connections, 2, "20 messages on a connection")
            wait_for("nothing waits", lambda: service.waiting() == 0)

    def test_smart_host_and_restart(self):
        hop_port = free_port()
        service, port = self.gate(free_port(), outbound={"smart_host": "127.0.0.1", "smart_host_port": hop_port},
                                  message_delivery={"trusted_hosts": ["127.0.0.1"]})
        self.send(port, recipients=("x@far.test", "y@farther.test"))
        wait_for("the next hop is found away", lambda: service.events(EVENT_NEXT_HOP_FAILED))
        self.assertEqual(service.stop(), 0)
        with NextHop(port=hop_port) as hop:
            service.start()
            sender, recipients, _ = wait_for("the message arrives after the restart", hop.received)[0]
            self.assertEqual(len(recipients), 2, "one transaction for both")

    def test_large_message_streams(self):
        with NextHop() as hop:
            port = free_port()
            document = settings(port, message_delivery={"receiving_size": 102400}, store={"body_memory": 1})
            document["accepted_domains"] = [{"domain": "example.test", "deliver_to": "host", "host": "127.0.0.1", "port": hop.port}]
            self.service(document, ("info@example.test",))
            body = b"".join(b"%07d 0123456789 0123456789 0123456789 0123456789 012345678\r\n" % line for line in range(320000))
            with Client(port) as client:
                client.ask("EHLO client.test")
                client.ask("MAIL FROM:<a@elsewhere.test>")
                client.ask("RCPT TO:<info@example.test>")
                client.ask("DATA")
                client.send(b"Subject: large\r\n\r\n" + body + b".\r\n")
                self.assertRegex(client.reply(), r"^250 2\.6\.0")
            content = wait_for("20 MB arrive", hop.received)[0][2]
            self.assertTrue(content.endswith(b"\r\n\r\n" + body))


if __name__ == "__main__":
    unittest.main(verbosity=2)
