"""What real servers say only at times, and what no honest server says."""
import sys
import tempfile
import unittest

import rig  # first: it knows where the lab is
import stub

BASE = "DC=example,DC=test"
DIRSYNC, SYNC_STATE, SYNC_INFO = "1.2.840.113556.1.4.841", "1.3.6.1.4.1.4203.1.9.1.2", "1.3.6.1.4.1.4203.1.9.1.4"


def uuid(number):
    return number.to_bytes(16, "big")


def person(number, *addresses):
    return {"objectGUID": [uuid(number)], "proxyAddresses": [f"smtp:{address}".encode() for address in addresses]}


class StubCase(unittest.TestCase):
    controls = [DIRSYNC]
    is_active_directory = True

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="gp-")
        self.stub = stub.Stub(self.search)
        self.directory = rig.Directory(self.folder.name, {
            "servers": [{"host": "127.0.0.1", "port": self.stub.port}], "security": "plain", "account": "cn=x",
            "password": "secret", "poll_ms": 200, "answer_ms": 1000, "pass_ms": 1000})

    def tearDown(self):
        self.directory.stop()
        self.stub.close()
        self.folder.cleanup()

    def search(self, request):
        if request.base == "" and request.scope == 0:
            capabilities = [b"1.2.840.113556.1.4.800"] if self.is_active_directory else []
            yield stub.entry("", {"defaultNamingContext": [BASE.encode()], "supportedCapabilities": capabilities,
                                  "supportedControl": [control.encode() for control in self.controls]})
            yield stub.done()
        elif request.base.startswith("<WKGUID="):
            yield stub.entry("CN=Deleted Objects", {"objectGUID": [uuid(0)]})
            yield stub.done()
        else:
            yield from self.answer(request)

    def answer(self, request):
        yield stub.done()


class DirSync(StubCase):
    """Active Directory sends in rounds, and long attributes in ranges; Samba does neither."""

    def setUp(self):
        self.rounds = [[(1, "one@x.test")], [(2, "two@x.test")], [(3, "three@x.test")]]
        self.drop_at = None
        self.long = [f"long{number}@x.test".encode() for number in range(10)]
        super().setUp()

    def answer(self, request):
        if DIRSYNC not in request.controls:
            yield from self.read_object(request)
            return
        cookie = list(stub.elements(next(stub.elements(request.controls[DIRSYNC]))[1]))[2][1]
        number = int(cookie or b"0")
        if number == self.drop_at:
            self.drop_at = None
            self.stub.drop()
            return
        entries = self.rounds[number] if number < len(self.rounds) else []
        for key, address in entries:
            yield stub.entry(f"CN={key},{BASE}", person(key, address))
        # "continue", the size that was used, the cookie
        number = min(number + 1, len(self.rounds))
        value = stub.tlv(0x30, stub.number(int(number < len(self.rounds))), stub.number(0), stub.text(str(number)))
        yield stub.done(0, stub.control(DIRSYNC, value))

    def read_object(self, request):
        """The object 4, whose addresses come three at a time."""
        attribute = next((name for name in request.attributes if ";range=" in name), None)
        first = int(attribute.split("=")[1].split("-")[0]) if attribute else 0
        part = self.long[first:first + 3]
        end = "*" if first + 3 >= len(self.long) else str(first + 2)
        attributes = {"objectGUID": [uuid(4)], "proxyAddresses": [],
                      f"proxyAddresses;range={first}-{end}": [b"smtp:" + address for address in part]}
        yield stub.entry(f"CN=4,{BASE}", attributes)
        yield stub.done()

    def test_rounds(self):
        self.directory.start()
        self.directory.wait_state("current")
        self.assertEqual(sorted(self.directory.ask("dump")), ["one@x.test", "three@x.test", "two@x.test"])

    def test_broken_between_rounds(self):
        """What came is not the whole: nothing is absent until the last round has come."""
        self.drop_at = 2
        self.directory.settings["retry_least_ms"] = 1500
        self.directory.start()
        self.directory.wait_state("failed")
        self.assertEqual(self.directory.find("three@x.test"), "unknown")
        self.directory.wait_state("current")
        self.assertEqual(self.directory.find("three@x.test"), "present")

    def test_ranges(self):
        self.directory.start()
        self.directory.wait_state("current")
        self.rounds.append([(4, "ignored@x.test")])
        self.directory.wait_find("long9@x.test", "present")
        self.assertEqual(self.directory.ask("count"), 13)


class SizeLimit(StubCase):
    """Active Directory without paging: a thousand entries, then "size limit exceeded"."""

    controls = []

    def answer(self, request):
        for number in range(1000):
            yield stub.entry(f"CN={number},{BASE}", person(number, f"p{number}@x.test"))
        yield stub.done(4)

    def test_a_part_is_not_the_whole(self):
        self.directory.settings["kind"] = "search"
        self.directory.start()
        self.assertIn("size limit", self.directory.wait_state("failed")["error"])
        self.assertEqual(self.directory.find("nobody@x.test"), "unknown")


class Hostile(StubCase):
    """Whatever comes, the directory says that it failed, and goes on."""

    controls = ["1.3.6.1.4.1.4203.1.9.1.1"]
    is_active_directory = False

    def answer(self, request):
        yield from self.says

    def check(self, *says):
        self.says = says
        self.directory.start()
        rig.wait_for("it fails", lambda: self.directory.status()["failures"] > 0)
        self.assertEqual(self.directory.find("nobody@x.test"), "unknown")
        self.assertLess(self.directory.stop(), 5)

    def sync_entry(self, state, attributes=None):
        message, _ = stub.entry("cn=a", attributes or {"mail": [b"a@x.test"]})
        return message, stub.control(SYNC_STATE, state)

    def intermediate(self, value):
        return stub.tlv(0x79, stub.tlv(0x80, SYNC_INFO), stub.tlv(0x81, value)), b""

    def test_lengths_that_cannot_be(self):
        for data in (b"\x30\x84\xff\xff\xff\xff\x02", b"\x30\x84\x7f\xff\xff\xff" + b"x" * 100, b"\x30\x80\x00\x00",
                     b"\xff" * 64, b"\x30\x03\x02\x01\x02", bytes(range(256))):
            self.check(stub.raw(data))

    def test_entries_without_or_with_a_wrong_state(self):
        state = stub.tlv(0x30, stub.tlv(0x0A, 1), stub.text(uuid(1)[:15]))
        for value in (state, b"", b"\x30\x7f", stub.tlv(0x30, stub.tlv(0x0A, 99), stub.text(uuid(1))),
                      stub.tlv(0x30, stub.tlv(0x0A, 1), stub.text(uuid(1)), stub.text(b"c" * 100000))):
            self.check(self.sync_entry(value))
        self.check(stub.entry("cn=a", {"mail": [b"a@x.test"]}))

    def test_information_that_cannot_be_read(self):
        short = stub.tlv(0x31, stub.text(b"short"))
        for value in (b"", b"\xa3\x7f", stub.tlv(0xA3, short), stub.tlv(0xA2, b"\x04\x7f"), stub.tlv(0xA9, b""),
                      stub.tlv(0x80, b"c" * 70000)):
            self.check(self.intermediate(value))

    def test_refresh_that_never_ends(self):
        self.check(*[self.sync_entry(stub.tlv(0x30, stub.tlv(0x0A, 1), stub.text(uuid(number))))
                     for number in range(100)])

    def test_strange_values_in_a_refresh(self):
        """It is taken, without what is no address."""
        strange = [b"", b"\0", b"smtp:", b"smtp:@", b"smtp:a@b@c", b"\xff\xfe@x.test", b"smtp:" + b"x" * 100000,
                   b"smtp:\"new\nline\"@x.test", b"smtp:good@x.test"]
        state = stub.tlv(0x30, stub.tlv(0x0A, 1), stub.text(uuid(1)))
        self.says = [self.sync_entry(state, {"mail": strange, "displayName": [b"\xff\n\0"], "": [b""]}),
                     self.intermediate(stub.tlv(0xA2, b""))]
        self.directory.settings["poll_ms"] = 60000
        self.directory.settings["stale_ms"] = 70000
        self.directory.start()
        self.directory.wait_state("current")
        self.assertEqual(self.directory.ask("dump"), ["good@x.test"])


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv)
