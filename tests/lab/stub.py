"""A directory server that says whatever a test wants, for what the real ones of the lab cannot be brought to say.

A test gives a function search(request) that yields answers made by entry(), done() and raw(). Every bind succeeds.
"""
import socket
import threading


def tlv(tag, *parts):
    """One BER element; parts are bytes, texts, or numbers below 128."""
    content = b"".join(part if isinstance(part, bytes) else part.encode() if isinstance(part, str) else bytes([part])
                       for part in parts)
    length = len(content)
    size = bytes([length]) if length < 128 else b"\x84" + length.to_bytes(4, "big")
    return bytes([tag]) + size + content


def text(value):
    return tlv(0x04, value)


def number(value):
    return tlv(0x02, value.to_bytes(4, "big", signed=True))


def elements(data):
    """The (tag, content) pairs in a piece of BER."""
    position = 0
    while position < len(data):
        tag, length = data[position], data[position + 1]
        position += 2
        if length >= 128:
            count = length - 128
            length = int.from_bytes(data[position:position + count], "big")
            position += count
        yield tag, data[position:position + length]
        position += length


def entry(name, attributes):
    """attributes: a dictionary of lists of bytes."""
    listed = b"".join(tlv(0x30, text(key), tlv(0x31, *[text(value) for value in values]))
                      for key, values in attributes.items())
    return tlv(0x64, text(name), tlv(0x30, listed)), b""


def done(result=0, controls=b""):
    """controls: made by control()."""
    return tlv(0x65, tlv(0x0A, result), text(""), text("")), controls


def control(oid, value):
    return tlv(0x30, text(oid), text(value))


def raw(data):
    """Bytes that are sent as they are, without being a message."""
    return data, None


class Request:
    """A search: base, scope, filter (its bytes), attributes (texts in lower case), controls (value by OID)."""

    def __init__(self, operation, controls):
        parts = list(elements(operation))
        self.base = parts[0][1].decode()
        self.scope = parts[1][1][0]
        self.filter = parts[6][1]
        self.attributes = [value.decode().lower() for _, value in elements(parts[7][1])]
        self.controls = {}
        for _, one in elements(controls):
            pieces = list(elements(one))
            self.controls[pieces[0][1].decode()] = pieces[-1][1]


class Stub:
    def __init__(self, search):
        self.search = search
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            stream = connection.makefile("rb")
            while self.answer(connection, stream):
                pass
        except (OSError, IndexError):
            pass
        connection.close()

    def answer(self, connection, stream):
        head = stream.read(2)
        if len(head) < 2:
            return False
        length = head[1]
        if length >= 128:
            length = int.from_bytes(stream.read(length - 128), "big")
        parts = list(elements(stream.read(length)))
        ident = tlv(0x02, parts[0][1])
        tag, operation = parts[1]
        if tag == 0x60:
            connection.sendall(tlv(0x30, ident, tlv(0x61, tlv(0x0A, 0), text(""), text(""))))
        elif tag == 0x63:
            request = Request(operation, parts[2][1] if len(parts) > 2 else b"")
            for message, controls in self.search(request):
                if controls is None:
                    connection.sendall(message)
                else:
                    connection.sendall(tlv(0x30, ident, message, tlv(0xA0, controls) if controls else b""))
        return tag != 0x42

    def drop(self):
        """Ends every connection."""
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.connections = []

    def close(self):
        self.listener.close()
        self.drop()
