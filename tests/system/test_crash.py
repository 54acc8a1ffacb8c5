"""What was answered with 250 arrives, whatever happens to the process."""
import collections
import threading
import unittest

from gatepost import EVENT_UNCLEAN, Client, SystemTest, free_port, settings, wait_for
from nexthop import NextHop

MESSAGES, SENDERS = 2000, 16


class Crash(SystemTest):
    def send_until_the_end(self, port, first, accepted, lock):
        """Sends its share; remembers every Message-ID that got a 250. Ends when the server is gone."""
        try:
            with Client(port) as client:
                client.ask("EHLO client.test")
                for number in range(first, MESSAGES, SENDERS):
                    name = f"<{number}@crash.test>"
                    replies = client.message("a@elsewhere.test", ["info@example.test"],
                                             f"Message-ID: {name}\r\n\r\n" + "x" * 70 + "\r\n" * 3)
                    if replies[-1].startswith("250"):
                        with lock:
                            accepted.append(name)
        except (OSError, EOFError):
            pass

    def test_kill_in_the_middle(self):
        with NextHop() as hop:
            port = free_port()
            document = settings(port, retry={"glitch_count": 50, "glitch_interval": 1})
            document["accepted_domains"] = [{"domain": "example.test", "deliver_to": "host", "host": "127.0.0.1", "port": hop.port}]
            service = self.service(document, ("info@example.test",))
            accepted, lock = [], threading.Lock()
            senders = [threading.Thread(target=self.send_until_the_end, args=(port, number, accepted, lock)) for number in range(SENDERS)]
            for sender in senders:
                sender.start()
            wait_for("a quarter is accepted", lambda: len(accepted) > MESSAGES // 4)
            service.kill()
            for sender in senders:
                sender.join()
            self.assertLess(len(accepted), MESSAGES, "the kill came in the middle")
            service.start()
            self.assertEqual(len(service.events(EVENT_UNCLEAN)), 1)
            wait_for("nothing waits", lambda: service.waiting() == 0)
            arrived = collections.Counter(hop.message_ids())
            self.assertEqual([name for name in accepted if name not in arrived], [], "every 250 arrives")
            self.explain_duplicates(service, arrived)

    def explain_duplicates(self, service, arrived):
        """A message that arrives twice was in the next hop's hands when the process died: its first delivery is not on
        record, or it was not yet durable. No more than were under way at that moment can be such."""
        twice = [name for name, count in arrived.items() if count > 1]
        self.assertFalse([name for name, count in arrived.items() if count > 2])
        reason = service.events(EVENT_UNCLEAN)[0]
        self.assertIn("twice", reason)
        self.assertLessEqual(len(twice), MESSAGES // 4, "only what was under way")

    def test_clean_stop_loses_and_doubles_nothing(self):
        with NextHop() as hop:
            port = free_port()
            document = settings(port)
            document["accepted_domains"] = [{"domain": "example.test", "deliver_to": "host", "host": "127.0.0.1", "port": hop.port}]
            service = self.service(document, ("info@example.test",))
            accepted, lock = [], threading.Lock()
            senders = [threading.Thread(target=self.send_until_the_end, args=(port, number, accepted, lock)) for number in range(SENDERS)]
            for sender in senders:
                sender.start()
            wait_for("some are accepted", lambda: len(accepted) > MESSAGES // 8)
            self.assertEqual(service.stop(), 0)
            for sender in senders:
                sender.join()
            service.start()
            self.assertEqual(service.events(EVENT_UNCLEAN), [])
            wait_for("nothing waits", lambda: service.waiting() == 0)
            arrived = collections.Counter(hop.message_ids())
            self.assertEqual(set(arrived), set(accepted))
            self.assertEqual([name for name, count in arrived.items() if count > 1], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
