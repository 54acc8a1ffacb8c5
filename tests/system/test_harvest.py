"""Harvest defence: refusals held back, limits of a session and of a source, and nobody else disturbed by any of it."""
import socket
import threading
import time
import unittest

from gatepost import PATIENCE, Client, SystemTest, free_port, settings, wait_for

OFF = {"tarpit": 0, "session_unknown": 0, "source_unknown": 0}


def defended(**changes):
    return {"harvest": dict(OFF, **changes)}


def stranger(port, source=None):
    """A client that may go on with RCPT."""
    client = Client(port, source=source)
    client.ask("EHLO client.test")
    client.ask("MAIL FROM:<a@elsewhere.test>")
    return client


def timed(client, recipient):
    begin = time.monotonic()
    reply = client.ask(f"RCPT TO:<{recipient}>")
    return reply, time.monotonic() - begin


class Tarpit(SystemTest):
    def test_each_refusal_is_held_longer_and_known_recipients_not_at_all(self):
        service, port = self.standard(**defended(tarpit=1, tarpit_step=1, tarpit_maximum=2))
        with stranger(port) as client:
            for number, least in enumerate((1, 2, 2)):
                reply, took = timed(client, f"nobody{number}@example.test")
                self.assertRegex(reply, r"^550 5\.1\.1")
                self.assertGreaterEqual(took, least)
                reply, took = timed(client, "info@example.test")
                self.assertRegex(reply, r"^250 ")
                self.assertLess(took, 1)
            reply, took = timed(client, "x@other.test")
            self.assertRegex(reply, r"^550 5\.7\.1")
            self.assertGreaterEqual(took, 1)
        rows = service.wait_tracked(4, event="recipient-refused")
        replies = {row["recipient"]: row["reply"] for row in rows}
        self.assertRegex(replies["nobody0@example.test"], r"^550 5\.1\.1 User unknown \(held for 1 s\)$")
        self.assertRegex(replies["nobody2@example.test"], r"\(held for 2 s\)$")
        status = service.json("status")
        self.assertEqual(status["counters"]["unknown_recipients"], 3)
        self.assertEqual((status["harvest"]["delayed"], status["harvest"]["waiting"]), (4, 0))

    def test_pipelined_refusals_come_one_by_one_in_order(self):
        _, port = self.standard(**defended(tarpit=1, tarpit_step=0))
        with stranger(port) as client:
            begin = time.monotonic()
            client.send("RCPT TO:<n1@example.test>\r\nRCPT TO:<info@example.test>\r\nRCPT TO:<n2@example.test>\r\nDATA\r\n")
            replies = [client.reply()[:9] for _ in range(4)]
            self.assertEqual([reply[:3] for reply in replies], ["550", "250", "550", "354"])
            self.assertGreaterEqual(time.monotonic() - begin, 2)
            client.send("Subject: x\r\n\r\nText\r\n.\r\n")
            self.assertRegex(client.reply(), r"^250 ")

    def test_many_wait_and_good_mail_does_not(self):
        service, port = self.standard(**defended(tarpit=10, tarpit_sessions=1000))
        waiting = [stranger(port) for _ in range(200)]
        for client in waiting:
            client.send("RCPT TO:<nobody@example.test>\r\n")
        wait_for("all of them wait", lambda: service.json("status")["harvest"]["waiting"] == len(waiting))
        slowest = 0
        for _ in range(20):
            with stranger(port) as client:
                reply, took = timed(client, "info@example.test")
                self.assertRegex(reply, r"^250 ")
                slowest = max(slowest, took)
        self.assertLess(slowest, 5)
        for client in waiting:
            self.assertRegex(client.reply(), r"^550 5\.1\.1")
            client.socket.close()
        self.assertEqual(service.json("status")["harvest"]["waiting"], 0)

    def test_beyond_the_bound_refusals_come_at_once(self):
        service, port = self.standard(**defended(tarpit=60, tarpit_maximum=60, tarpit_sessions=3))
        waiting = [stranger(port) for _ in range(3)]
        for client in waiting:
            client.send("RCPT TO:<nobody@example.test>\r\n")
        wait_for("three wait", lambda: service.json("status")["harvest"]["waiting"] == 3)
        with stranger(port) as client:
            reply, took = timed(client, "nobody@example.test")
            self.assertRegex(reply, r"^550 5\.1\.1")
            self.assertLess(took, 30)
        self.assertEqual(service.json("status")["harvest"]["undelayed"], 1)
        # Broken connections wait no more, and what they were about to be told is on record.
        for client in waiting:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.socket.close()
        wait_for("nobody waits", lambda: service.json("status")["harvest"]["waiting"] == 0)
        self.assertEqual(len(service.wait_tracked(4, recipient="nobody@example.test")), 4)

    def test_a_stop_holds_nothing_back(self):
        service, port = self.standard(**defended(tarpit=60, tarpit_maximum=60))
        client = stranger(port)
        client.send("RCPT TO:<nobody@example.test>\r\n")
        wait_for("it waits", lambda: service.json("status")["harvest"]["waiting"] == 1)
        replies = []
        reader = threading.Thread(target=lambda: (replies.extend((client.reply(), client.reply())), client.socket.close()))
        reader.start()
        begin = time.monotonic()
        self.assertEqual(service.stop(), 0)
        self.assertLess(time.monotonic() - begin, 30)
        reader.join(PATIENCE)
        self.assertEqual([reply[:9] for reply in replies], ["550 5.1.1", "421 4.3.2"])


class Limits(SystemTest):
    def test_a_session_ends_behind_its_limit(self):
        service, port = self.standard(**defended(session_unknown=3))
        with stranger(port) as client:
            for number in range(3):
                self.assertRegex(client.ask(f"RCPT TO:<nobody{number}@example.test>"), r"^550 5\.1\.1")
                self.assertRegex(client.ask("RCPT TO:<info@example.test>"), r"^250 ")
            self.assertRegex(client.ask("RCPT TO:<nobody3@example.test>"), r"^421 4\.7\.0 Too many unknown recipients \(id ")
            self.assertTrue(client.closed())
        row = service.wait_tracked(1, recipient="nobody3@example.test")[0]
        self.assertEqual((row["event"], row["reason"]), ("recipient-refused", "session-unknown-limit"))
        with stranger(port) as client:
            self.assertRegex(client.ask("RCPT TO:<nobody@example.test>"), r"^550 ")

    def test_pipelined_in_one_piece(self):
        _, port = self.standard(**defended(session_unknown=10))
        with stranger(port) as client:
            client.send("".join(f"RCPT TO:<nobody{number}@example.test>\r\n" for number in range(1000)))
            replies = [client.reply() for _ in range(11)]
            self.assertEqual([reply[:3] for reply in replies], ["550"] * 10 + ["421"])
            self.assertTrue(client.closed())

    def test_a_source_is_held_off_and_comes_back(self):
        service, port = self.standard(**defended(source_unknown=5, hold_off=5))
        with stranger(port, "127.0.0.7") as honest, stranger(port, "127.0.0.9") as first:
            for number in range(5):
                self.assertRegex(first.ask(f"RCPT TO:<nobody{number}@example.test>"), r"^550 ")
            with stranger(port, "127.0.0.9") as second:
                self.assertRegex(second.ask("RCPT TO:<nobody@example.test>"),
                                 r"^421 4\.7\.0 Too many unknown recipients from your address")
            begin = time.monotonic()
            self.assertRegex(first.ask("RCPT TO:<other@example.test>"), r"^421 4\.7\.0 ")
            with Client(port, source="127.0.0.9") as refused:
                self.assertRegex(refused.greeting, r"^421 4\.7\.0 Too many unknown recipients from your address")
                self.assertTrue(refused.closed())
            self.assertRegex(honest.ask("RCPT TO:<info@example.test>"), r"^250 ")
            self.assertRegex(honest.ask("RCPT TO:<nobody@example.test>"), r"^550 ")
        held = service.json("harvest", "list")["sources"]
        self.assertEqual([(row["address"], row["unknown"], row["turned_away"]) for row in held], [("127.0.0.9", 6, 3)])
        rows = service.wait_tracked(8, client="127.0.0.9")
        self.assertEqual([row["reason"] for row in rows if row["event"] == "connection-refused"], ["source-held-off"])
        self.assertEqual({row["recipient"] for row in rows if row["reason"] == "source-unknown-limit"},
                         {"nobody@example.test", "other@example.test"})

        def let_in():
            with Client(port, source="127.0.0.9") as client:
                return client.greeting.startswith("220")
        wait_for("it is let in again", let_in)
        self.assertGreater(time.monotonic() - begin, 4)
        self.assertEqual(service.json("harvest", "list")["sources"], [])

    def test_an_administrator_lets_in_again(self):
        service, port = self.standard(**defended(source_unknown=1))
        for source in ("127.0.0.8", "127.0.0.9"):
            with stranger(port, source) as client:
                client.send("RCPT TO:<n1@example.test>\r\nRCPT TO:<n2@example.test>\r\n")
                self.assertRegex(client.reply() + client.reply(), r"^550 .*421 ")
        self.assertIn("127.0.0.8", service.cli("harvest", "list").stdout)
        self.assertEqual(service.json("status")["harvest"]["held_off"], 2)
        self.assertIn("2 sources held off", service.cli("status").stdout)
        service.cli("harvest", "clear", "127.0.0.8")
        self.assertEqual(service.cli("harvest", "clear", "127.0.0.8", check=False).returncode, 5)
        self.assertNotEqual(service.cli("harvest", "clear", "nonsense", check=False).returncode, 0)
        with stranger(port, "127.0.0.8") as client:
            self.assertRegex(client.ask("RCPT TO:<n1@example.test>"), r"^550 ")
        with Client(port, source="127.0.0.9") as client:
            self.assertRegex(client.greeting, r"^421 ")
        service.cli("harvest", "clear", "all")
        with Client(port, source="127.0.0.9") as client:
            self.assertRegex(client.greeting, r"^220 ")

    def test_own_and_exempt_clients_never_meet_it(self):
        _, port = self.standard(
            message_delivery={"trusted_hosts": ["127.0.0.2/32"]},
            **defended(tarpit=30, session_unknown=2, source_unknown=2, exempt=["127.0.0.3/32"]))
        for source, code in (("127.0.0.2", "250"), ("127.0.0.3", "550")):
            with stranger(port, source) as client:
                for number in range(20):
                    reply, took = timed(client, f"nobody{number}@example.test")
                    self.assertTrue(reply.startswith(code), (source, reply))
                    self.assertLess(took, 15)

    def test_a_change_of_settings_takes_effect_in_a_session(self):
        service, port = self.standard(**defended(session_unknown=1))
        with stranger(port) as client:
            self.assertRegex(client.ask("RCPT TO:<n1@example.test>"), r"^550 ")
            service.cli("config", "set", "harvest.session_unknown", "100")
            for _ in range(5):
                self.assertRegex(client.ask("RCPT TO:<n2@example.test>"), r"^550 ")
            service.cli("config", "set", "harvest.session_unknown", "3")
            self.assertRegex(client.ask("RCPT TO:<n3@example.test>"), r"^421 ")


class Flood(SystemTest):
    def test_default_settings_against_many_connections(self):
        """As delivered: a flood from many addresses is slowed down and turned away; an honest sender is not."""
        port = free_port()
        document = settings(port)
        del document["harvest"]
        service = self.service(document, ("info@example.test",))
        stop = time.monotonic() + 12
        codes = {}

        def flood(source):
            while time.monotonic() < stop:
                try:
                    with socket.create_connection(("127.0.0.1", port), timeout=8, source_address=(source, 0)) as flooder:
                        flooder.sendall(b"EHLO x\r\nMAIL FROM:<a@b.test>\r\n" +
                                        b"".join(b"RCPT TO:<n%d@example.test>\r\n" % number for number in range(30)))
                        data = flooder.recv(65536)
                        while data and time.monotonic() < stop:
                            for line in data.split(b"\r\n"):
                                codes[line[:3]] = codes.get(line[:3], 0) + 1
                            data = flooder.recv(65536)
                except OSError:
                    time.sleep(0.01)
        threads = [threading.Thread(target=flood, args=(f"127.0.{number // 100}.{number % 100 + 1}",)) for number in range(300)]
        for thread in threads:
            thread.start()
        slowest, sent = 0, 0
        while time.monotonic() < stop:
            begin = time.monotonic()
            with Client(port, source="127.9.9.9") as client:
                client.ask("EHLO honest.test")
                replies = client.message("good@elsewhere.test", ["info@example.test"], "Subject: good\r\n\r\nText")
            self.assertRegex(replies[-1], r"^250 ")
            slowest = max(slowest, time.monotonic() - begin)
            sent += 1
        for thread in threads:
            thread.join(PATIENCE)
        status = service.json("status")
        self.assertGreater(status["harvest"]["delayed"], 300)
        # 300 connections that wait 5 s and longer for each answer learn little in the 20 s until the last has gone.
        self.assertLess(status["counters"]["unknown_recipients"], 300 * 6)
        self.assertGreater(sent, 10)
        self.assertLess(slowest, 5)


if __name__ == "__main__":
    unittest.main(verbosity=2)
