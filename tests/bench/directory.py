"""Gatepost with a directory on a real slapd, beside Gatepost with the local list, smtp-sink, and Postfix that asks the same
slapd for every recipient."""
import importlib
import json
import pathlib
import socket
import statistics
import sys
import time

from measures import in_turns, load, refuse, table
from peers import ROOT, Gatepost, Postfix, Sink, wait_until

PEOPLE = 100000
SHAPES = (("one a connection", 40000, 1, "one"), ("20 a connection, one by one", 200000, 20, "one"),
          ("100 pipelined", 400000, 100, "pipelined"))


def needed():
    """The modules ldap and slapd; ends the program when what they need is not installed."""
    sys.path.insert(0, str(ROOT / "tests/lab"))
    if not pathlib.Path("/usr/lib/postfix/postfix-ldap.so").exists():
        sys.exit("bench: the directory's part needs the package postfix-ldap, and cmake/install-packages directory")
    return importlib.import_module("ldap"), importlib.import_module("slapd")


class GatepostDirectory(Gatepost):
    name = "gatepost, directory"

    def __init__(self, folder, sink, server, slapd):
        super().__init__(folder, sink)
        self.server, self.slapd = server, slapd

    def settings(self):
        return {**super().settings(), "directories": [{
            "name": "slapd", "servers": [f"{self.server.address}:{self.server.ports[1]}"],
            "ca_file": str(self.server.ca_file), "account": self.slapd.SERVICE,
            "password": self.slapd.SERVICE_PASSWORD, "base": self.slapd.lab.BASE}]}

    def fill(self):
        wait_until(lambda: self.status()["state"] == "current", "the directory is current", 300)

    def status(self):
        return json.loads(self.verb("directory", "status", "--json"))["directories"][0]

    def addresses(self):
        return json.loads(self.verb("directory", "status", "--json"))["addresses"]


class PostfixLdap(Postfix):
    """Its LDAP table is asked for every recipient, without TLS."""
    name = "postfix, ldap"

    def __init__(self, folder, sink, server, slapd):
        super().__init__(folder, sink)
        self.server, self.slapd = server, slapd

    def table(self):
        return f"ldap:{self.folder}/ldap.cf"

    def fill(self):
        """Nothing to do: ldap.cf is there before Postfix starts."""

    def start(self):
        (self.folder / "ldap.cf").write_text(f"""
server_host = ldap://{self.server.address}:{self.server.ports[0]}
version = 3
bind = yes
bind_dn = {self.slapd.SERVICE}
bind_pw = {self.slapd.SERVICE_PASSWORD}
search_base = {self.slapd.lab.BASE}
query_filter = (|(mail=%s)(proxyAddresses=smtp:%s))
result_attribute = uid
""")
        super().start()


class Questions:
    """Searches that the server has answered, by its own count."""

    def __init__(self, ldap, slapd, server):
        self.connection = ldap.initialize(f"ldap://{server.address}:{server.ports[0]}")
        self.connection.simple_bind_s(slapd.ADMIN, slapd.ADMIN_PASSWORD)
        self.scope = ldap.SCOPE_BASE
        self.own = 0

    def count(self):
        """Without those of its own."""
        found = self.connection.search_s("cn=Search,cn=Operations,cn=Monitor", self.scope, attrlist=["monitorOpCompleted"])
        self.own += 1
        return int(found[0][1]["monitorOpCompleted"][0]) - (self.own - 1)


def folder_in(folder, name):
    made = folder / name
    made.mkdir()
    return made


def rounds_of(values, form):
    return f"{statistics.median(values):{form}}   rounds: {' '.join(f'{one:{form}}' for one in values)}"


def memory_of_nothing(folder, sink):
    """That of a program that knows nobody."""
    empty = Gatepost(folder_in(folder, "empty"), sink)
    empty.fill = lambda: None
    empty.start()
    memory = empty.memory()
    empty.stop()
    return memory


def first_fill(options, folder, sink, server, slapd, nothing):
    seconds, filled, restarted = [], [], []
    for number in range(options.rounds):
        peer = GatepostDirectory(folder_in(folder, f"fill{number}"), sink, server, slapd)
        begin = time.monotonic()
        peer.start()
        seconds.append(time.monotonic() - begin)
        each = 1024 * 1024 / peer.addresses()
        filled.append((peer.memory() - nothing) * each)
        peer.stop()
        peer.start()
        restarted.append((peer.memory() - nothing) * each)
        peer.stop()
    print(f"\nFirst fill with {options.people} entries, {3 * options.people} addresses")
    print(f"  seconds until current        {rounds_of(seconds, '8.2f')}")
    print(f"  bytes an address, after it   {rounds_of(filled, '8.0f')}   (beyond a program that knows nobody)")
    print(f"  bytes an address, restarted  {rounds_of(restarted, '8.0f')}")


def seconds_until(begin, port, recipient, code):
    """Asks again until the wire says so."""
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as client, client.makefile("rb") as replies:
                client.sendall(f"HELO bench.test\r\nMAIL FROM:<>\r\nRCPT TO:<{recipient}>\r\nQUIT\r\n".encode())
                if [line for line in replies][3].startswith(code):
                    return time.monotonic() - begin
        except (OSError, IndexError):
            pass
        if time.monotonic() > begin + 300:
            sys.exit(f"bench: {recipient} does not get {code.decode()}")
        time.sleep(0.005)


def start_with_saved(options, folder, sink, slapd, nothing):
    server = slapd.Slapd(folder / "slapd-million", "127.0.0.61").make(options.people, 7)
    server.log = "none"
    server.start()
    peer = GatepostDirectory(folder_in(folder, "million"), sink, server, slapd)
    known, unknown = [], []
    try:
        peer.start()
        addresses, filled = peer.addresses(), peer.memory()
        for _ in range(options.rounds):
            peer.stop()
            begin = time.monotonic()
            peer.launch()
            known.append(seconds_until(begin, peer.port, "u000001@example.test", b"250"))
            unknown.append(seconds_until(begin, peer.port, "nobody@example.test", b"550"))
        restarted = peer.memory()
    finally:
        peer.stop()
        server.stop()
    print(f"\nStart with a saved replica of {addresses} addresses (seconds from the start of the program)")
    print(f"  250 for a known one          {rounds_of(known, '8.2f')}")
    print(f"  550 for an unknown one       {rounds_of(unknown, '8.2f')}")
    for when, memory in (("after the fill", filled), ("restarted", restarted)):
        print(f"  bytes an address, {when:15s} {(memory - nothing) * 1024 * 1024 / addresses:5.0f}")


def refused(options, tool, peers):
    for title, total, batch, how in SHAPES:
        count = total // (10 if options.quick else 1)
        table(f"refused RCPT/s, {title} (16 connections)", in_turns(peers, options.rounds, lambda peer: refuse(
            tool, peer, count // (4 if isinstance(peer, Postfix) else 1), batch, how)),
            ("gatepost", "smtp-sink", "postfix, ldap"))


def questions_asked(tool, peers, questions):
    print("\nQuestions that reach the directory server (by its own count) while so many are refused, 20 a connection")
    for peer in peers:
        for total in (4000, 40000):
            before = questions.count()
            load(tool, peer.port, "refuse", 16, total, 20, "one")
            print(f"  {peer.name:28s} {total:8d} refused   {questions.count() - before:8d} questions")


def measure(options, tool, folder, sink):
    ldap, slapd = needed()
    options.people = PEOPLE // (10 if options.quick else 1)
    server = slapd.Slapd(folder / "slapd", "127.0.0.60").make(options.people)
    server.log = "none"  # writing one down for each question would hold up those who ask
    server.start()
    local, own, postfix = (Gatepost(folder_in(folder, "local"), sink), GatepostDirectory(folder, sink, server, slapd),
                           PostfixLdap(folder, sink, server, slapd))
    peers = [own, local, Sink(folder_in(folder, "nobody"), sink), postfix]
    started = []
    try:
        for peer in peers:
            started.append(peer)
            peer.start()
        refused(options, tool, peers)
        questions_asked(tool, (own, postfix), Questions(ldap, slapd, server))
        while started:
            started.pop().stop()
        nothing = memory_of_nothing(folder, sink)
        first_fill(options, folder, sink, server, slapd, nothing)
    finally:
        for peer in started:
            peer.stop()
        server.stop()
    start_with_saved(options, folder, sink, slapd, nothing)
