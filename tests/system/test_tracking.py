"""What became of it: every outcome on record, found by every condition; floods counted, not listed."""
import re
import unittest

from gatepost import Client, SystemTest, wait_for


class Tracking(SystemTest):
    def send(self, port, sender, recipient, subject, number):
        with Client(port) as client:
            client.ask("EHLO client.test")
            reply = client.message(sender, [recipient], f"Subject: {subject}\r\nMessage-ID: <{number}@track.test>\r\n\r\nText\r\n")[-1]
            return re.search(r"\b([0-9A-HJKMNP-TV-Z]{13})\b", reply).group(1)

    def test_search_by_each_condition(self):
        service, port = self.standard()
        first = self.send(port, "ann@elsewhere.test", "info@example.test", "Quarterly figures", 1)
        second = self.send(port, "bob@other.test", "sales@example.test", "Lunch", 2)
        service.wait_tracked(2, event="delivered")

        def messages(**conditions):
            return {row["message"] for row in service.track(**conditions)}
        self.assertEqual(messages(), {first, second})
        self.assertEqual(messages(sender="ANN@elsewhere.test"), {first})
        self.assertEqual(messages(sender="*@other.test"), {second})
        self.assertEqual(messages(recipient="sales@example.test"), {second})
        self.assertEqual(messages(message=first), {first})
        self.assertEqual(messages(message="<2@track.test>"), {second})
        self.assertEqual(messages(subject="figures"), {first})
        self.assertEqual(messages(event="delivered"), {first, second})
        self.assertEqual(messages(client="127.0.0.9"), set())
        middle = service.track(message=second, event="received")[0]["time"]
        self.assertEqual(messages(since=middle), {second} | ({first} if service.track(message=first)[0]["time"] >= middle else set()))
        self.assertNotIn(second, messages(until=service.track(message=second)[-1]["time"]))
        history = service.json("track", "history", first)["events"]
        self.assertEqual([row["event"] for row in history], ["received", "stored", "routed", "delivered"])
        self.assertEqual([row["time"] for row in history], sorted(row["time"] for row in history))
        self.assertEqual(history[0]["subject"], "Quarterly figures")

    def test_refused_before_data_is_on_record(self):
        service, port = self.standard()
        with Client(port) as client:
            client.ask("EHLO client.test")
            client.ask("MAIL FROM:<spam@far.test>")
            reply = client.ask("RCPT TO:<nobody@example.test>")
        row = service.wait_tracked(1, recipient="nobody@example.test")[0]
        self.assertEqual((row["event"], row["reason"], row["sender"], row["client"]),
                         ("recipient-refused", "recipient-unknown", "spam@far.test", "127.0.0.1"))
        self.assertTrue(reply.startswith(row["reply"][:20]), (reply, row["reply"]))
        self.assertIn(row["session"], reply + "".join(str(value) for value in row.values()))

    def test_flood_is_counted(self):
        service, port = self.standard(tracking={"refusals_per_minute": 10})
        total = 3000
        with Client(port) as client:
            client.ask("EHLO client.test")
            client.ask("MAIL FROM:<spam@far.test>")
            client.send("".join(f"RCPT TO:<nobody{number}@example.test>\r\n" for number in range(total)))
            for _ in range(total):
                self.assertRegex(client.reply(), r"^550 5\.1\.1")

        def counted():
            rows = service.track(event="recipient-refused")
            return sum(row.get("count", 1) for row in rows) == total and rows
        rows = wait_for("all are on record, listed or counted", counted)
        self.assertLessEqual(len(rows), 10 * 2 + 4, "ten a minute are listed; the flood may cross one full minute")

    def test_records_survive_a_restart(self):
        service, port = self.standard()
        ident = self.send(port, "ann@elsewhere.test", "info@example.test", "Kept", 1)
        service.wait_tracked(1, event="delivered")
        service.stop()
        service.start()
        self.assertEqual(len(service.track(message=ident)), 4)


if __name__ == "__main__":
    unittest.main(verbosity=2)
