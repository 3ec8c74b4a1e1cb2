"""The public traffic feed of a network: the twin's simulated day, learned from others."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from deploy.work.worker import progress, work
from twin.traffic.forecast.feed import public_feed


def feed(arguments: dict[str, Any]) -> dict[str, Any]:
    """Simulate, and tell every watched road."""
    roads = public_feed(arguments["network"], progress=lambda done, of, *_: progress(done, of))
    return {"made_at": datetime.now(UTC).isoformat(timespec="seconds"), "roads": roads}


if __name__ == "__main__":
    work(feed)
