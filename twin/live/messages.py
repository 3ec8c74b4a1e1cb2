"""Messages of the live feeds: JSON with a CRC-32, as `controllers.io.messages` writes them, below `trenggalek/live`.

Topic `trenggalek/live/<kind>/<source>`; body `boot`, `seq`, `at_s` (event time, UTC since 1970) and `values`, numbers
by name or null. `seq` is null where a source numbers nothing: its event times tell its readings apart. `data/kinds.csv`
lists the kinds, their values and what is physically possible.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controllers.errors import MessageError
from controllers.io.messages import decode, encode, is_number, place_of
from twin.files import read_rows

ROOT_TOPIC = "trenggalek/live"
MOST_BYTES = 1 << 14
_SOURCE = re.compile(r"[A-Za-z0-9_.:#-]{1,80}")


@dataclass(frozen=True)
class Limits:
    """What is physically possible for a value, its unit, and how often it is sent [s] (0: when it happens)."""

    unit: str
    least: float
    most: float
    every_s: float


@dataclass(frozen=True)
class Message:
    """A message that keeps to its schema; nothing is said yet about whether its values are possible."""

    kind: str
    source: str
    boot: str
    seq: int | None
    at_s: float
    values: Mapping[str, float | None]


def is_source(name: str) -> bool:
    """Whether a source can be called so."""
    return _SOURCE.fullmatch(name) is not None


@functools.cache
def kinds() -> dict[str, dict[str, Limits]]:
    """Limits by kind of feed and name of the value."""
    found: dict[str, dict[str, Limits]] = {}
    for row in read_rows(Path(__file__).parent / "data" / "kinds.csv"):
        limits = Limits(row["unit"], float(row["least"]), float(row["most"]), float(row["every_s"]))
        found.setdefault(row["kind"], {})[row["value"]] = limits
    return found


def schema(kind: str) -> dict[str, Any]:
    """The body of a kind as JSON Schema; limits are told as a description, since an impossible value is taken too."""
    names = kinds()[kind]
    values = {
        name: {"type": ["number", "null"], "description": f"[{one.unit}] possible: {one.least:g} … {one.most:g}"}
        for name, one in names.items()
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["boot", "seq", "at_s", "values"],
        "properties": {
            "boot": {"type": "string", "minLength": 1, "maxLength": 64},
            "seq": {"type": ["integer", "null"], "minimum": 0, "exclusiveMaximum": 1 << 53},
            "at_s": {"type": "number"},
            "values": {"type": "object", "minProperties": 1, "properties": values, "additionalProperties": False},
        },
    }


def write(message: Message) -> tuple[str, bytes]:
    """Topic and payload of a message."""
    body = {"boot": message.boot, "seq": message.seq, "at_s": message.at_s, "values": dict(message.values)}
    return f"{ROOT_TOPIC}/{message.kind}/{message.source}", encode(body)


def read(topic: str, payload: bytes) -> Message:
    """A message that came in. Raises MessageError with what does not fit its kind's schema."""
    if len(payload) > MOST_BYTES:
        raise MessageError(f"more than {MOST_BYTES} bytes")
    kind, _, source = topic.removeprefix(f"{ROOT_TOPIC}/").partition("/")
    known = kinds().get(kind)
    if known is None or not topic.startswith(f"{ROOT_TOPIC}/") or not is_source(source):
        raise MessageError(f"topic: {ROOT_TOPIC}/<kind>/<source>, kinds {', '.join(kinds())}")
    body = decode(payload)
    numbered = body.get("seq", 0) is not None
    boot, seq = place_of(body if numbered else {**body, "seq": 0})
    at_s, values = body.get("at_s"), body.get("values")
    if at_s is None or not is_number(at_s):
        raise MessageError("at_s: a number")
    if not isinstance(values, dict) or not values or not values.keys() <= known.keys():
        raise MessageError(f"values: some of {', '.join(known)}")
    if not all(map(is_number, values.values())):
        raise MessageError("values: numbers or null")
    numbers = {name: None if value is None else float(value) for name, value in values.items()}
    return Message(kind, source, boot, seq if numbered else None, float(at_s), numbers)
