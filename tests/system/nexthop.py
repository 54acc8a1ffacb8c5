"""A next hop for the tests: a small SMTP server on loopback that does what a script of replies says and keeps what
it got. It runs on a thread of the test."""
import contextlib
import re
import socket
import socketserver
import threading


class NextHop:
    """behaviour maps a step ("connect", "helo", "mail", "rcpt", "data", "content") to a function of the argument that
    returns a reply, None to close the connection, or "" for the usual reply. ends_after: verbs after whose reply the
    connection is closed."""

    def __init__(self, port=0, features=("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "SIZE 0"), ends_after=(), **behaviour):
        self.behaviour = behaviour
        self.ends_after = ends_after
        self.features = features
        self.messages = []  # (reverse-path, [forward-paths], content)
        self.connections = 0
        self.open = set()  # sockets
        self.commands = []
        self.lock = threading.Lock()
        hop = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                with hop.lock:
                    hop.open.add(self.request)
                hop._serve(self.rfile, self.wfile)
                with hop.lock:
                    hop.open.discard(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 256

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def drop(self):
        """Ends the connections that are open, as a server does that goes down."""
        with self.lock:
            for connection in self.open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def received(self):
        with self.lock:
            return list(self.messages)

    def message_ids(self):
        """Message-ID of every message received, in order."""
        found = (re.search(rb"(?im)^message-id:\s*(<[^>]*>)", content) for _, _, content in self.received())
        return [match.group(1).decode() if match else None for match in found]

    def _say(self, out, step, argument, usual):
        action = self.behaviour.get(step)
        reply = action(argument) if action else ""
        if reply is None:
            raise ConnectionAbortedError
        reply = reply or usual
        out.write(reply.encode() + b"\r\n")
        out.flush()
        return reply[0] in "23"

    def _serve(self, lines, out):
        with self.lock:
            self.connections += 1
        try:
            self._session(lines, out)
        except (ConnectionError, ValueError):
            pass

    def _session(self, lines, out):
        if not self._say(out, "connect", "", "220 nexthop.test ESMTP"):
            return
        sender, recipients = None, []
        while True:
            line = lines.readline()
            if not line:
                return
            command = line.rstrip(b"\r\n").decode("utf-8", "replace")
            verb = command[:4].upper()
            with self.lock:
                self.commands.append(command)
            if verb == "EHLO":
                self._say(out, "helo", command, "\r\n".join(
                    ["250-nexthop.test"] + ["250-" + name for name in self.features] + ["250 ENHANCEDSTATUSCODES"]))
            elif verb == "MAIL":
                sender, recipients = (command, []) if self._say(out, "mail", command, "250 2.1.0 Ok") else (None, [])
            elif verb == "RCPT":
                if self._say(out, "rcpt", command, "250 2.1.5 Ok"):
                    recipients.append(command)
            elif verb == "DATA":
                if self._say(out, "data", command, "354 Go" if recipients else "554 5.5.1 No valid recipients"):
                    content = self._content(lines)
                    if self._say(out, "content", content, "250 2.0.0 Ok"):
                        with self.lock:
                            self.messages.append((sender, recipients, content))
                sender, recipients = None, []
            elif verb == "RSET":
                sender, recipients = None, []
                self._say(out, "rset", command, "250 2.0.0 Ok")
                if verb in self.ends_after:
                    return
            elif verb == "QUIT":
                self._say(out, "quit", command, "221 2.0.0 Bye")
                return
            else:
                self._say(out, "other", command, "500 5.5.1 Unknown")

    @staticmethod
    def _content(lines):
        content = []
        while True:
            line = lines.readline()
            if not line:
                raise ConnectionError("closed in the content")
            if line == b".\r\n":
                return b"".join(content)
            content.append(line[1:] if line.startswith(b".") else line)
