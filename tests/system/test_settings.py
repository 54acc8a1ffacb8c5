"""Settings change while mail flows; history; conflicts; what is wrong is refused and changes nothing."""
import json
import re
import threading
import unittest

from gatepost import (EVENT_LISTEN_FAILED, EVENT_LISTENING, EVENT_SETTINGS_CHANGED, EVENT_START_FAILED, Client, SystemTest,
                      free_port, settings, smtp_source, wait_for)


class Settings(SystemTest):
    def test_change_while_mail_flows(self):
        service, port = self.standard()
        second = free_port()
        done = []
        load = threading.Thread(target=lambda: done.append(smtp_source(port, 1000, 8)))
        load.start()
        wait_for("mail flows", lambda: service.json("status")["counters"]["messages"] > 0)
        for round_number in range(10):
            service.cli("config", "set", "virtual_servers[0].hop_count", str(20 + round_number))
        addresses = [{"address": "127.0.0.1", "port": port}, {"address": "127.0.0.1", "port": second, "apply_recipient_filter": False}]
        service.cli("config", "set", "virtual_servers[0].addresses", json.dumps(addresses))
        with Client(second) as client:
            client.ask("EHLO client.test")
            client.ask("MAIL FROM:<a@elsewhere.test>")
            self.assertRegex(client.ask("RCPT TO:<nobody@example.test>"), r"^250 ")
        load.join()
        self.assertEqual(done[0].returncode, 0, done[0].stderr)
        self.assertEqual(service.json("status")["counters"]["messages"], 1000)
        wait_for("all are dropped", lambda: len(service.drop_files()) == 1000)
        self.assertEqual(len(service.events(EVENT_SETTINGS_CHANGED)), 11)

    def test_address_is_given_up(self):
        service, port = self.standard()
        other = free_port()
        service.cli("config", "set", "virtual_servers[0].addresses[0].port", str(other))
        with Client(other) as client:
            self.assertRegex(client.greeting, "^220")
        with self.assertRaises(OSError):
            Client(port)
        self.assertEqual(len(service.events(EVENT_LISTENING)), 2)

    def test_history_difference_and_revert(self):
        service, _ = self.standard()
        first = service.json("config", "get")["revision"]
        service.cli("config", "set", "outbound.smart_host", "relay.example.test")
        self.assertEqual(service.json("config", "get", "outbound.smart_host")["value"], "relay.example.test")
        revisions = service.json("config", "history")["revisions"]
        self.assertGreater(revisions[0]["revision"], first)
        self.assertIn("outbound.smart_host", revisions[0]["summary"])
        self.assertTrue(revisions[0]["who"])
        service.cli("config", "revert", str(first))
        self.assertEqual(service.json("config", "get", "outbound.smart_host")["value"], "")

    def test_what_is_wrong_is_refused(self):
        service, _ = self.standard()
        before = service.json("config", "get")
        for path, value, said in (("retry.first", "0", r"retry\.first.*between 1 and 9999"),
                                  ("retry.frist", "1", r"frist"),
                                  ("virtual_servers[0].addresses[0].port", "70000", r"port.*70000.*65535"),
                                  ("accepted_domains[0].domain", "not a domain", r"accepted_domains\[0\]\.domain"),
                                  ("message_delivery.trusted_hosts", '["10.0.0.0/33"]', r"10\.0\.0\.0/33"),
                                  ("recipient_filter.refuse_unknown", "perhaps", r"refuse_unknown")):
            done = service.cli("config", "set", path, value, check=False)
            self.assertNotEqual(done.returncode, 0, path)
            self.assertRegex(done.stderr, said)
        self.assertEqual(service.json("config", "get"), before)

    def test_export_and_import(self):
        service, port = self.standard()
        exported = service.cli("config", "export").stdout
        document = json.loads(exported)
        document["virtual_servers"][0]["hop_count"] = 7
        service.cli("config", "import", "-", stdin=json.dumps(document))
        self.assertEqual(service.json("config", "get", "virtual_servers[0].hop_count")["value"], 7)
        done = service.cli("config", "import", "-", stdin="{\"retry\": 5", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"[Ll]ine 1")

    def test_settings_survive_a_restart(self):
        service, port = self.standard()
        service.cli("config", "set", "virtual_servers[0].host_name", "renamed.example.test")
        service.stop()
        service.start()
        with Client(port) as client:
            self.assertIn("renamed.example.test", client.greeting)


class Start(SystemTest):
    def test_address_in_use(self):
        _, port = self.standard()
        other = self.service(settings(port), start=False, name="other")
        self.assertEqual(other.start_and_fail(), 5)
        self.assertRegex(other.events(EVENT_LISTEN_FAILED)[0], rf"127\.0\.0\.1:{port}")
        self.assertEqual(len(other.events(EVENT_START_FAILED)), 1)

    def test_data_folder_in_use(self):
        service, _ = self.standard()
        service2 = self.service(None, start=False, name="service")
        service2.data = service.data
        self.assertEqual(service2.start_and_fail(), 3)
        self.assertTrue(re.search(r"use|another", service2.printed()))

    def test_bad_initial_settings(self):
        service = self.service({"retry": {"first": -1}}, start=False)
        self.assertEqual(service.start_and_fail(), 4)
        self.assertIn("retry.first", service.printed())

    def test_damaged_recipient_list(self):
        service = self.service(settings(free_port()), start=False)
        (service.data / "directory.db").write_bytes(b"this is no database, " * 500)
        self.assertEqual(service.start_and_fail(), 6)
        self.assertTrue(service.events(EVENT_START_FAILED))


if __name__ == "__main__":
    unittest.main(verbosity=2)
