"""The feed: trades, sessions and the book's best prices to whoever listens; and orders over the same socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect

from deploy.app.accounts import Identity
from deploy.app.gate import Metrics
from deploy.app.nesting import loads
from deploy.exchange.state import Body

MOST_WAITING = 1_000  # events that a listener may be behind
MOST_LISTENERS = 2_000
MOST_OF_ONE = 8
MOST_A_SECOND = 200  # messages of a client
POLICY_VIOLATION, TRY_LATER = 1008, 1013
Answer = Callable[[Identity, Any], Awaitable[Body]]


class Feed:
    """Listeners, each with a queue of its own: who does not read is let go, and never holds up the others."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self._queues: dict[asyncio.Queue[str | None], str] = {}

    def publish(self, events: list[Body]) -> None:
        """Hand the events of a commit to everybody, as one message."""
        if events and self._queues:
            text = json.dumps({"event": "market", "events": events})
            for queue in list(self._queues):
                self._put(queue, text)

    def close(self) -> None:
        """Let everybody go."""
        for queue in list(self._queues):
            self._put(queue, None)

    async def serve(self, socket: WebSocket, identity: Identity, answer: Answer) -> None:
        """Send events, and answer messages, until one side is gone."""
        own = sum(name == identity.name for name in self._queues.values())
        if len(self._queues) >= MOST_LISTENERS or own >= MOST_OF_ONE:
            await socket.close(TRY_LATER, "too many feeds")
            return
        queue: asyncio.Queue[str | None] = asyncio.Queue(MOST_WAITING)
        self._queues[queue] = identity.name
        self.metrics.listeners.set(len(self._queues))
        sender = asyncio.create_task(_send(socket, queue))
        try:
            await self._read(socket, identity, queue, answer)
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            self._queues.pop(queue, None)
            self.metrics.listeners.set(len(self._queues))
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
                await sender

    async def _read(
        self, socket: WebSocket, identity: Identity, queue: asyncio.Queue[str | None], answer: Answer
    ) -> None:
        second, taken = 0, 0
        while True:
            message = await socket.receive_text()
            now = int(time.monotonic())
            second, taken = (second, taken + 1) if now == second else (now, 1)
            if taken > MOST_A_SECOND:
                await socket.close(POLICY_VIOLATION, f"at most {MOST_A_SECOND} messages a second")
                return
            try:
                wanted = loads(message)
            except ValueError:
                await socket.close(POLICY_VIOLATION, "a message is one JSON object")
                return
            self._put(queue, json.dumps(await answer(identity, wanted)))

    def _put(self, queue: asyncio.Queue[str | None], text: str | None) -> None:
        try:
            queue.put_nowait(text)
        except asyncio.QueueFull:
            while not queue.empty():
                queue.get_nowait()
            queue.put_nowait(None)
            self._queues.pop(queue, None)


async def _send(socket: WebSocket, queue: asyncio.Queue[str | None]) -> None:
    while (text := await queue.get()) is not None:
        await socket.send_text(text)
    await socket.close(TRY_LATER, "too far behind, or the service is closing")
