"""The gate before every request: who asks, how often, how much; strict headers, a log line and metrics after it."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import secrets
import time
from typing import Any

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deploy.app.accounts import Accounts, Identity
from deploy.app.nesting import MOST as DEEPEST
from deploy.app.nesting import too_deep
from deploy.app.problems import MEDIA_TYPE, TITLES
from deploy.app.settings import Settings

log = logging.getLogger("deploy.access")
POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
PROCESS = secrets.token_hex(4)
_numbers = itertools.count()
FREE = ("/health", "/ready")
NO_JSON = (b"application/octet-stream", b"application/x-www-form-urlencoded", b"multipart/")


class Metrics:
    """What Prometheus reads."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "twin_requests", "Requests by route, method and status", ["route", "method", "status"],
            registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "twin_request_seconds", "Seconds a request took", ["route"], registry=self.registry,
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0),
        )  # fmt: skip
        self.commands = Counter("twin_exchange_commands", "Durable exchange commands", registry=self.registry)
        self.commits = Counter("twin_exchange_commits", "Group commits (fsync)", registry=self.registry)
        self.live = Counter(
            "twin_live_messages", "Live readings over HTTP by what became of them", ["outcome"], registry=self.registry
        )
        self.listeners = Gauge("twin_exchange_listeners", "Open feeds", registry=self.registry)


class Limiter:
    """Counts requests by account or address."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._rates = {name: parse(getattr(settings, f"rate_{name}")) for name in ("anonymous", "account", "login")}

    def admits(self, kind: str, who: str) -> bool:
        """Count one more; False where it is too many."""
        return bool(self._limiter.hit(self._rates[kind], kind, who))


class Gate:
    """ASGI middleware around the whole app."""

    def __init__(
        self, app: ASGIApp, settings: Settings, accounts: Accounts, limiter: Limiter, metrics: Metrics
    ) -> None:
        self.app, self.settings, self.accounts, self.limiter, self.metrics = app, settings, accounts, limiter, metrics
        self.headers = [*HEADERS, HSTS] if settings.https else HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        headers = dict(scope["headers"])
        request_id = f"{PROCESS}-{next(_numbers):x}"
        identity = await self._identity(headers)
        address = scope["client"][0] if scope.get("client") else "unknown"
        scope.setdefault("state", {}).update(identity=identity, request_id=request_id, address=address)
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
            return
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = [(b"x-request-id", request_id.encode()), *self.headers]
                given = {name for name, _ in message["headers"]}
                message = {**message, "headers": [*message["headers"], *(h for h in own if h[0] not in given)]}
            await send(message)

        try:
            await self._admitted(scope, receive, answer, identity, address, headers)
        except Exception:
            log.exception("a request failed", extra={"request": request_id})
            if status:
                raise
            await _refuse(answer, 500, "this should not have happened; the log says more")
        finally:
            route = getattr(scope.get("route"), "path", "none")
            seconds = time.perf_counter() - began
            who = identity or scope["state"].get("visitor")
            self.metrics.requests.labels(route, scope["method"], status).inc()
            self.metrics.seconds.labels(route).observe(seconds)
            log.info("request", extra={"request": request_id, "method": scope["method"], "route": route,
                                       "status": status, "who": who.name if who else None,
                                       "address": address, "ms": round(1000 * seconds, 2)})  # fmt: skip

    async def _admitted(
        self, scope: Scope, receive: Receive, send: Send, identity: Identity | None, address: str,
        headers: dict[bytes, bytes],
    ) -> None:  # fmt: skip
        if scope["path"] not in FREE:
            kind, who = ("account", identity.name) if identity else ("anonymous", address)
            if not self.limiter.admits(kind, who):
                await _refuse(send, 429, "too many requests; wait a minute", [(b"retry-after", b"60")])
                return
        most = self.settings.most_body_bytes
        told = headers.get(b"content-length", b"0")
        if not told.isdigit() or int(told) > most:
            await _refuse(send, 413, f"a request has at most {most} bytes")
            return
        taken, parts = 0, list[bytes]()
        may_be_json = not headers.get(b"content-type", b"").startswith(NO_JSON)

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            if message["type"] == "http.request":
                part = message.get("body", b"")
                taken += len(part)
                if taken > most:
                    raise HTTPException(413, f"a request has at most {most} bytes")
                if may_be_json:
                    parts.append(part)
                    if not message.get("more_body") and too_deep(b"".join(parts)):
                        raise HTTPException(422, f"JSON is nested at most {DEEPEST} deep")
            return message

        await self.app(scope, counted, send)

    async def _identity(self, headers: dict[bytes, bytes]) -> Identity | None:
        scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        found = self.accounts.remembered(token)
        if found is None and self.accounts.tokens.foreign(token):
            found = await asyncio.to_thread(self.accounts.fetched, token)
        return found


async def _refuse(send: Send, status: int, detail: str, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    body: dict[str, Any] = {
        "type": "about:blank", "title": TITLES[status], "status": status, "detail": detail, "reason": "", "faults": [],
    }  # fmt: skip
    start_headers = [(b"content-type", MEDIA_TYPE.encode()), *(headers or [])]
    await send({"type": "http.response.start", "status": status, "headers": start_headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
