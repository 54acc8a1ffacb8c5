"""A full disk: 452, nothing half-stored, an event, and recovery by itself. Host program only: the full disk is a
small file system of the test's own."""
import subprocess
import unittest

from gatepost import (EVENT_DISK_ENOUGH, EVENT_DISK_LOW, EVENT_STORE_FAILED, EVENT_STORE_RECOVERED, Client, Service,
                      SystemTest, free_port, settings, wait_for)
from nexthop import NextHop

BODY = "Subject: filler\r\nMessage-ID: <{0}@disk.test>\r\n\r\n" + ("x" * 76 + "\r\n") * 3000


class Disk(SystemTest):
    def small_disk(self, megabytes):
        mount = self.folder / "disk"
        mount.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "gatepost-test", mount], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", mount], check=True)
        return mount

    def gate(self, mount, hop, **store):
        port = free_port()
        document = settings(port, store=store, retry={"glitch_count": 50, "glitch_interval": 1})
        document["accepted_domains"] = [{"domain": "example.test", "deliver_to": "host", "host": "127.0.0.1", "port": hop.port}]
        service = Service(mount, document)
        self.addCleanup(service.clean_up)
        service.start()
        service.cli("recipient", "add", "info@example.test")
        return service, port

    def send(self, port, number):
        with Client(port) as client:
            client.ask("EHLO client.test")
            return client.message("a@elsewhere.test", ["info@example.test"], BODY.format(number))[-1]

    def test_full_disk(self):
        mount = self.small_disk(24)
        busy = [True]
        with NextHop(connect=lambda _: "421 4.3.2 Not now" if busy[0] else "") as hop:
            service, port = self.gate(mount, hop, minimum_free=0)
            accepted, reply = [], ""
            for number in range(400):
                reply = self.send(port, number)
                if not reply.startswith("250"):
                    break
                accepted.append(f"<{number}@disk.test>")
            self.assertRegex(reply, r"^452 4\.3\.1")
            self.assertGreater(len(accepted), 10)
            self.assertEqual(service.waiting(), len(accepted))
            wait_for("an event tells", lambda: service.events(EVENT_STORE_FAILED))
            subprocess.run(["mount", "-o", "remount,size=200m", mount], check=True)
            wait_for("an event tells that it is over", lambda: service.events(EVENT_STORE_RECOVERED))
            self.assertRegex(self.send(port, 1000), r"^250 ")
            busy[0] = False
            wait_for("all arrive", lambda: len(hop.received()) >= len(accepted) + 1)
            self.assertEqual(sorted(hop.message_ids()), sorted(accepted + ["<1000@disk.test>"]))
            self.assertEqual(len(service.events(EVENT_STORE_FAILED)), 1)

    def test_low_disk(self):
        mount = self.small_disk(64)
        with NextHop() as hop:
            service, port = self.gate(mount, hop, minimum_free=32)
            self.assertRegex(self.send(port, 1), r"^250 ")
            (mount / "filler").write_bytes(b"x" * (40 << 20))
            wait_for("an event tells that the disk is low", lambda: service.events(EVENT_DISK_LOW))
            self.assertRegex(self.send(port, 2), r"^452 4\.3\.1")
            (mount / "filler").unlink()
            wait_for("an event tells that there is enough again", lambda: service.events(EVENT_DISK_ENOUGH))
            self.assertRegex(self.send(port, 3), r"^250 ")
            wait_for("two arrive", lambda: len(hop.received()) == 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
