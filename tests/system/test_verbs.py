"""The verbs of the command line: help, JSON, exit codes, clear words when the service is not there."""
import json
import subprocess
import unittest

from gatepost import Client, Service, SystemTest, wait_for

VERBS = [("status",), ("recipient", "add"), ("recipient", "remove"), ("recipient", "list"), ("recipient", "import"),
         ("recipient", "explain"), ("queue", "list"), ("track",), ("config", "get"), ("config", "set"), ("config", "export"),
         ("config", "import"), ("config", "history"), ("run",), ("service",)]


def run(*arguments):
    return subprocess.run(Service.command(*arguments), capture_output=True, text=True, encoding="utf-8", timeout=120,
                          stdin=subprocess.DEVNULL)


class Verbs(SystemTest):
    def test_help_of_every_verb(self):
        top = run("--help")
        self.assertEqual(top.returncode, 0)
        for verb in VERBS:
            done = run(*verb, "--help")
            self.assertEqual(done.returncode, 0, verb)
            self.assertIn("gatepost " + " ".join(verb), done.stdout)
            self.assertIn(verb[0], top.stdout)
            self.assertLessEqual(max(len(line) for line in done.stdout.splitlines()), 100, verb)

    def test_wrong_use(self):
        for wrong in (("frobnicate",), ("recipient", "frobnicate"), ("recipient", "add"), ("config", "get", "--frob"), ("track", "--limit", "x")):
            done = run(*wrong)
            self.assertEqual(done.returncode, 2, wrong)
            self.assertTrue(done.stderr.strip(), wrong)
            self.assertEqual(done.stdout, "", wrong)

    def test_service_not_running(self):
        service = self.service(None, start=False)
        for verb in (("status",), ("recipient", "list"), ("queue", "list"), ("track",), ("config", "get")):
            done = service.cli(*verb, check=False)
            self.assertEqual(done.returncode, 3, verb)
            self.assertRegex(done.stderr, r"not running")

    def test_json_of_reading_verbs(self):
        service, port = self.standard()
        status = service.json("status")
        self.assertEqual(status["state"], "running")
        self.assertEqual(status["virtual_servers"][0]["addresses"][0]["port"], port)
        self.assertEqual(status["recipients"], 2)
        self.assertEqual(service.json("queue", "list")["queues"], [])
        self.assertEqual(service.json("track")["events"], [])
        self.assertEqual([row["address"] for row in service.json("recipient", "list")["recipients"]], ["info@example.test", "sales@example.test"])
        self.assertEqual(json.loads(service.cli("config", "export").stdout)["virtual_servers"][0]["addresses"][0]["port"], port)

    def test_unknown_recipient_and_bad_address(self):
        service, _ = self.standard()
        done = service.cli("recipient", "add", "not an address", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr.strip())
        self.assertNotEqual(service.cli("recipient", "remove", "absent@example.test", check=False).returncode, 0)
        self.assertEqual(service.json("status")["recipients"], 2)

    def test_sessions(self):
        service, port = self.standard()
        with Client(port) as client:
            client.ask("EHLO client.test")
            sessions = service.json("sessions", "list")["sessions"]
            self.assertEqual([(row["client"], row["helo"]) for row in sessions], [("127.0.0.1", "client.test")])
            service.cli("sessions", "end", sessions[0]["session"])
            wait_for("the session is ended", client.closed)
        wait_for("the list is empty", lambda: service.json("sessions", "list")["sessions"] == [])

    def test_words_for_persons(self):
        service, port = self.standard()
        with Client(port) as client:
            client.ask("EHLO client.test")
            client.message("a@elsewhere.test", ["info@example.test"], "Subject: Hello\r\n\r\nText\r\n")
        service.wait_tracked(1, event="delivered")
        self.assertIn("running", service.cli("status").stdout)
        self.assertIn("delivered", service.cli("track").stdout)
        self.assertIn("info@example.test", service.cli("recipient", "list").stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
