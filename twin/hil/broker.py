"""A small MQTT 3.1.1 broker in pure Python, where no other is installed: `python -m twin.hil.broker --port 1883`.

For one machine and a handful of clients: it listens on the loopback interface alone and knows no users. It has
qualities 0 and 1, retained messages, last wills, wildcards (OASIS MQTT 3.1.1); a client that asks for more is closed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from dataclasses import dataclass, field

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = (
    1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 14,
)  # fmt: skip
LOOPBACK = "127.0.0.1"
MOST_BYTES, MOST_WAITING_BYTES = 1 << 20, 8 << 20


class ProtocolError(Exception):
    """A client said something that is no MQTT of ours; it is closed."""


@dataclass
class _Client:
    writer: asyncio.StreamWriter
    topics: dict[str, int] = field(default_factory=dict)
    will: tuple[str, bytes, bool] | None = None
    next_id: int = 1


class Broker:
    """Clients and retained messages."""

    def __init__(self) -> None:
        self.clients: dict[str, _Client] = {}
        self.retained: dict[str, bytes] = {}

    async def serve(self, port: int) -> None:
        """Serve for ever."""
        server = await asyncio.start_server(self._client, LOOPBACK, port)
        async with server:
            await server.serve_forever()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name, client = "", _Client(writer)
        try:
            kind, _, body = await _packet(reader)
            if kind != CONNECT:
                raise ProtocolError("no CONNECT first")
            name = self._connect(client, body)
            while True:
                kind, flags, body = await _packet(reader)
                if kind == DISCONNECT:
                    client.will = None
                    break
                self._answer(client, kind, flags, body)
                await writer.drain()
        except (ProtocolError, IndexError, UnicodeDecodeError, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            if self.clients.get(name) is client:
                del self.clients[name]
            if client.will is not None:
                self._publish(*client.will)
            with contextlib.suppress(Exception):
                writer.close()

    def _connect(self, client: _Client, body: bytes) -> str:
        protocol, at = _text(body, 0)
        level, flags = body[at], body[at + 1]
        if protocol != "MQTT" or level != 4:
            client.writer.write(_frame(CONNACK, 0, b"\x00\x01"))
            raise ProtocolError("another version")
        name, at = _text(body, at + 4)
        if flags & 0x04:
            topic, at = _text(body, at)
            length = int.from_bytes(body[at : at + 2], "big")
            client.will = (topic, body[at + 2 : at + 2 + length], bool(flags & 0x20))
        name = name or f"client-{id(client)}"
        if (older := self.clients.pop(name, None)) is not None:  # the newer connection of a name wins
            older.writer.close()
        self.clients[name] = client
        client.writer.write(_frame(CONNACK, 0, b"\x00\x00"))
        return name

    def _answer(self, client: _Client, kind: int, flags: int, body: bytes) -> None:
        if kind == PUBLISH:
            topic, at = _text(body, 0)
            quality = (flags >> 1) & 3
            if quality > 1:
                raise ProtocolError("quality 2")
            if quality == 1:
                client.writer.write(_frame(PUBACK, 0, body[at : at + 2]))
                at += 2
            self._publish(topic, body[at:], bool(flags & 1))
        elif kind == SUBSCRIBE:
            self._subscribe(client, body)
        elif kind == UNSUBSCRIBE:
            at = 2
            while at < len(body):
                topic, at = _text(body, at)
                client.topics.pop(topic, None)
            client.writer.write(_frame(UNSUBACK, 0, body[:2]))
        elif kind == PINGREQ:
            client.writer.write(_frame(PINGRESP, 0, b""))
        elif kind != PUBACK:
            raise ProtocolError(f"packet {kind}")

    def _subscribe(self, client: _Client, body: bytes) -> None:
        at, granted, wanted = 2, bytearray(), []
        while at < len(body):
            topic, at = _text(body, at)
            client.topics[topic] = min(body[at], 1)
            granted.append(client.topics[topic])
            wanted.append(topic)
            at += 1
        client.writer.write(_frame(SUBACK, 0, body[:2] + bytes(granted)))
        for topic, payload in self.retained.items():
            if any(fits(one, topic) for one in wanted):
                self._send(client, topic, payload, 0, retained=True)

    def _publish(self, topic: str, payload: bytes, retain: bool) -> None:
        if retain:
            self.retained[topic] = payload
            if not payload:
                del self.retained[topic]
        for client in list(self.clients.values()):
            qualities = [quality for wanted, quality in client.topics.items() if fits(wanted, topic)]
            if qualities:
                self._send(client, topic, payload, max(qualities))

    @staticmethod
    def _send(client: _Client, topic: str, payload: bytes, quality: int, retained: bool = False) -> None:
        if client.writer.transport.get_write_buffer_size() > MOST_WAITING_BYTES:
            return  # who does not read loses messages, not us our memory
        name = topic.encode()
        body = len(name).to_bytes(2, "big") + name
        if quality:
            client.next_id = client.next_id % 65535 + 1
            body += client.next_id.to_bytes(2, "big")
        client.writer.write(_frame(PUBLISH, quality << 1 | retained, body + payload))


def fits(wanted: str, topic: str) -> bool:
    """Whether a topic belongs to a subscription, with `+` for one level and `#` for all that follow."""
    asked, given = wanted.split("/"), topic.split("/")
    for i, level in enumerate(asked):
        if level == "#":
            return True
        if i >= len(given) or level not in ("+", given[i]):
            return False
    return len(asked) == len(given)


async def _packet(reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
    """Kind, flags and body of the next packet."""
    first = (await reader.readexactly(1))[0]
    length, shift = 0, 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
        if shift > 21:
            raise ProtocolError("length")
    if length > MOST_BYTES:
        raise ProtocolError("too long")
    return first >> 4, first & 0x0F, await reader.readexactly(length)


def _text(body: bytes, at: int) -> tuple[str, int]:
    length = int.from_bytes(body[at : at + 2], "big")
    if at + 2 + length > len(body):
        raise ProtocolError("cut short")
    return body[at + 2 : at + 2 + length].decode(), at + 2 + length


def _frame(kind: int, flags: int, body: bytes) -> bytes:
    length, header = len(body), bytearray([kind << 4 | flags])
    while True:
        header.append(length % 128 | (0x80 if length > 127 else 0))
        length //= 128
        if not length:
            return bytes(header) + body


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=1883)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(Broker().serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
