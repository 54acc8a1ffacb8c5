"""Domains whose recipients only the next hop knows: it is asked, seldom, and its absence costs nobody a wrong answer."""
import concurrent.futures
import json
import re
import threading
import time
import unittest

from gatepost import Client, SystemTest, free_port, settings, wait_for
from nexthop import NextHop

EVENT_AWAY, EVENT_BACK, EVENT_CATCH_ALL = 520, 521, 522
CONTENT = "From: a@elsewhere.test\r\nSubject: Test\r\n\r\nText"


def knows(*local_parts):
    """A reply to RCPT of a server that has these mailboxes."""
    def reply(command):
        address = re.search(r"<([^>]*)>", command).group(1)
        return "" if address.split("@")[0] in local_parts else f"550 5.1.1 <{address}>: No mailbox here"
    return reply


def questions(hop, address=None):
    """What the hop was asked, made-up recipients left out."""
    with hop.lock:
        return [line for line in hop.commands if line.upper().startswith("RCPT") and "gatepost-check-" not in line
                and (address is None or f"<{address}>" in line)]


class Callout(SystemTest):
    def gate(self, hop_port, domain=(), **callout):
        port = free_port()
        rules = {"deadline": 3, "answer_timeout": 5, "retry_most": 1}
        rules.update(callout)
        document = settings(port, callout=rules, retry={"glitch_count": 50, "glitch_interval": 1})
        document["accepted_domains"] = [
            {"domain": "example.test", "deliver_to": "host", "host": "127.0.0.1", "port": hop_port, "recipients": "call-out",
             **dict(domain)},
            {"domain": "local.test", "deliver_to": "drop"}]
        return self.service(document, ["info@local.test"]), port

    def rcpt(self, port, *recipients):
        """The replies to RCPT for each of them, in one session."""
        with Client(port) as client:
            client.ask("EHLO client.test")
            client.ask("MAIL FROM:<a@elsewhere.test>")
            return [client.ask(f"RCPT TO:<{recipient}>") for recipient in recipients]

    def test_unknown_is_refused_and_known_is_delivered(self):
        with NextHop(rcpt=knows("info", "sales")) as hop:
            service, port = self.gate(hop.port)
            with Client(port) as client:
                client.ask("EHLO client.test")
                replies = client.message("a@elsewhere.test", ["info@example.test", "nobody@example.test"], CONTENT)
            self.assertRegex(replies[1], r"^250 ")
            self.assertRegex(replies[2], r"^550 5\.1\.1 .*No mailbox here")
            self.assertRegex(replies[-1], r"^250 2\.6\.0")
            wait_for("the message arrives", hop.received)
            rows = service.wait_tracked(1, event="recipient-refused")
            self.assertEqual(rows[0]["recipient"], "nobody@example.test")
            self.assertIn("No mailbox here", rows[0]["reply"])
            self.assertRegex(rows[0]["reason"], r"callout-refused")
            probes = [line for line in hop.commands if line == "MAIL FROM:<>"]
            self.assertGreaterEqual(len(probes), 3)  # with the made-up recipient
            status = service.json("callout", "status")
            self.assertEqual(status["domains"][0]["state"], "knows-recipients")
            self.assertEqual((status["accepted"], status["refused"]), (1, 1))

    def test_answers_are_remembered_and_forgotten_when_told(self):
        with NextHop(rcpt=knows("info")) as hop:
            service, port = self.gate(hop.port)
            for _ in range(5):
                known, unknown = self.rcpt(port, "info@example.test", "NoBody@Example.Test")
                self.assertRegex(known, r"^250 ")
                self.assertRegex(unknown, r"^550 5\.1\.1 ")
            self.assertEqual(len(questions(hop)), 2)
            self.assertEqual(service.json("callout", "clear", "nobody@example.test")["forgotten"], 1)
            self.rcpt(port, "info@example.test", "nobody@example.test")
            self.assertEqual(len(questions(hop)), 3)
            self.assertEqual(hop.connections, 1)

    def test_relay_domain_may_be_asked_for_too(self):
        with NextHop(rcpt=knows("info")) as hop:
            _, port = self.gate(hop.port, {"type": "relay"})
            known, unknown = self.rcpt(port, "info@example.test", "nobody@example.test")
            self.assertRegex(known, r"^250 ")
            self.assertRegex(unknown, r"^550 5\.1\.1 ")

    def test_hop_away(self):
        hop = NextHop(rcpt=knows("info"))
        service, port = self.gate(hop.port)
        self.rcpt(port, "info@example.test", "nobody@example.test")
        self.assertTrue(service.json("callout", "status")["domains"][0]["connected"])
        service.cli("callout", "clear", "nobody@example.test")
        hop_port = hop.port
        hop.close()
        hop.drop()
        for _ in range(3):
            known, unknown, local = self.rcpt(port, "info@example.test", "nobody@example.test", "info@local.test")
            self.assertRegex(known, r"^250 ")
            self.assertRegex(unknown, r"^451 4\.4\.3 ")
            self.assertRegex(local, r"^250 ")
        self.assertEqual(len(service.events(EVENT_AWAY)), 1)
        self.assertEqual(service.track(event="recipient-refused")[0]["reply"][:3], "451")

        with NextHop(port=hop_port, rcpt=knows("info")):
            wait_for("the hop is asked again", lambda: self.rcpt(port, "nobody@example.test")[0].startswith("550"))
            self.assertEqual(len(service.events(EVENT_BACK)), 1)

    def test_catch_all(self):
        with NextHop() as hop:
            service, port = self.gate(hop.port)
            for reply in self.rcpt(port, "info@example.test", "nobody@example.test", "other@example.test"):
                self.assertRegex(reply, r"^250 ")
            self.assertLessEqual(len(questions(hop)), 1)
            self.assertEqual(len(service.events(EVENT_CATCH_ALL)), 1)
            self.assertEqual(service.json("callout", "status")["domains"][0]["state"], "catch-all")

    def test_frozen_hop_costs_the_deadline_and_holds_nothing_else_up(self):
        thaw = threading.Event()

        def rcpt(command):
            if not frozen.is_set():
                return knows("info")(command)
            thaw.wait(60)
            return None
        frozen = threading.Event()
        with NextHop(rcpt=rcpt) as hop:
            service, port = self.gate(hop.port)
            self.addCleanup(thaw.set)
            self.rcpt(port, "info@example.test")
            frozen.set()
            with concurrent.futures.ThreadPoolExecutor() as pool:
                begun = time.monotonic()
                asking = [pool.submit(self.rcpt, port, f"nobody{i}@example.test") for i in range(8)]
                for reply in self.rcpt(port, "info@local.test", "info@example.test"):
                    self.assertRegex(reply, r"^250 ")
                self.assertLess(time.monotonic() - begun, 2.5)
                for future in asking:
                    self.assertRegex(future.result()[0], r"^451 4\.4\.3 ")
                self.assertGreater(time.monotonic() - begun, 2.5)
            wait_for("it is seen to be away", lambda: service.events(EVENT_AWAY))
            begun = time.monotonic()
            service.stop()
            self.assertLess(time.monotonic() - begun, 20)
            thaw.set()

    def test_flood_of_made_up_names_is_bounded(self):
        with NextHop(rcpt=knows("info")) as hop:
            service, port = self.gate(hop.port, questions_per_second=20, questions_waiting=50, deadline=1)
            self.assertRegex(self.rcpt(port, "info@example.test")[0], r"^250 ")
            begun = time.monotonic()

            def attack(number):
                return self.rcpt(port, *(f"x{number}-{i}@example.test" for i in range(25)))
            with concurrent.futures.ThreadPoolExecutor(64) as pool:
                attacks = [pool.submit(attack, number) for number in range(64)]
                good = self.rcpt(port, "info@example.test", "info@local.test")
                replies = [reply for future in attacks for reply in future.result()]
            took = time.monotonic() - begun
            self.assertTrue(all(reply.startswith("250 ") for reply in good), good)
            self.assertEqual({reply[:3] for reply in replies} - {"550", "451", "421"}, set())
            self.assertLessEqual(len(questions(hop)), 20 * (took + 2) + 2)
            self.assertEqual(hop.connections, 1)

    def test_hop_that_ends_the_connection_after_each_reset(self):
        with NextHop(rcpt=knows("info"), ends_after={"RSET"}) as hop:
            service, port = self.gate(hop.port)
            for number in range(5):
                self.assertRegex(self.rcpt(port, f"nobody{number}@example.test")[0], r"^550 5\.1\.1 ")
            self.assertRegex(self.rcpt(port, "info@example.test")[0], r"^250 ")
            self.assertGreaterEqual(hop.connections, 6)
            self.assertEqual(service.events(EVENT_AWAY), [])

    def test_null_sender_refused_is_not_no(self):
        with NextHop(mail=lambda command: "550 5.7.1 No null senders" if "<>" in command else "") as hop:
            service, port = self.gate(hop.port)
            self.assertRegex(self.rcpt(port, "info@example.test")[0], r"^451 4\.4\.3 ")
            wait_for("the administrator is told", lambda: service.events(EVENT_AWAY))
            self.assertIn("null sender", service.events(EVENT_AWAY)[0])

    def test_explain_and_test_tell_what_the_hop_says(self):
        with NextHop(rcpt=knows("info")) as hop:
            service, _ = self.gate(hop.port)
            explained = service.json("recipient", "explain", "nobody@example.test")
            self.assertEqual(explained["verdict"], "refuse")
            self.assertEqual(explained["steps"][-1]["rule"], "callout-refused")
            self.assertIn("No mailbox here", json.dumps(explained))
            self.assertIn(f"127.0.0.1:{hop.port}", explained["steps"][-1]["sentence"])
            tested = service.json("callout", "test", "info@example.test")
            self.assertEqual((tested["answer"], tested["rule"]), ("accepted", "callout-accepted"))
            self.assertEqual(service.json("callout", "test", "info@local.test")["answer"], "not-now")

    def test_another_next_hop_is_asked_anew(self):
        with NextHop(rcpt=knows("info")) as hop, NextHop(rcpt=knows("sales")) as other:
            service, port = self.gate(hop.port)
            self.rcpt(port, "info@example.test", "sales@example.test")
            service.cli("config", "set", "accepted_domains[0].port", str(other.port))
            replies = self.rcpt(port, "info@example.test", "sales@example.test")
            self.assertRegex(replies[0], r"^550 ")
            self.assertRegex(replies[1], r"^250 ")
            service.cli("config", "set", "accepted_domains[0].recipients", "directory")
            self.assertEqual(service.json("callout", "status")["domains"], [])


if __name__ == "__main__":
    unittest.main()
