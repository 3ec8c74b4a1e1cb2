"""A market as JSON values and back: only what differs from the market that the same key makes at the start."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np

from twin.labour.employers import Board
from twin.labour.facts import UNEMPLOYED
from twin.labour.market import Market

EMPLOYER_COLUMNS = ("headcount", "open_seats", "seats", "offer")


def packed(column: np.ndarray) -> dict[str, str]:
    """An array as text: its type, and its bytes compressed."""
    return {"type": column.dtype.str, "bytes": base64.b64encode(zlib.compress(column.tobytes(), 1)).decode()}


def unpacked(text: dict[str, str]) -> np.ndarray:
    """The array again."""
    return np.frombuffer(zlib.decompress(base64.b64decode(text["bytes"])), dtype=np.dtype(text["type"])).copy()


def saved_market(market: Market) -> dict[str, Any]:
    """Columns of people (spells and registrations of the unemployed alone), the board, the employers, demand."""
    jobless = market.status == UNEMPLOYED
    learned = np.flatnonzero(market.skills != market.people.skills)
    return {
        "status": packed(market.status),
        "employer": packed(market.employer.astype(np.int16)),
        "since": packed(market.since[jobless]),
        "registered": packed(market.registered[jobless]),
        "learned": packed(learned),
        "skills": packed(market.skills[learned]),
        "board": {name: packed(column) for name, column in vars(market.board).items()},
        "employers": {name: packed(getattr(market.employers, name)) for name in EMPLOYER_COLUMNS},
        "demand": market.demand,
    }


def restore_market(market: Market, saved: dict[str, Any]) -> None:
    """Bring a market just made by the same key to where it was saved."""
    market.status = unpacked(saved["status"])
    market.employer = unpacked(saved["employer"]).astype(np.int64)
    jobless = market.status == UNEMPLOYED
    market.since[:], market.registered[:] = 0, False
    market.since[jobless], market.registered[jobless] = unpacked(saved["since"]), unpacked(saved["registered"])
    market.skills = market.people.skills.copy()
    market.skills[unpacked(saved["learned"])] = unpacked(saved["skills"])
    market.board = Board(**{name: unpacked(text) for name, text in saved["board"].items()})
    for name, text in saved["employers"].items():
        getattr(market.employers, name)[:] = unpacked(text)
    market.demand = saved["demand"]
