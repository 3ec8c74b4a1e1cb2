"""Messages between a street and its controller: JSON, a newline, and the CRC-32 of the JSON in hexadecimal.

Topics below a prefix of the site's own (`trenggalek/<bundle>`):

| topic | from | quality | body |
|---|---|---|---|
| `detectors` | street | 0 | `boot`, `seq`, `tick_s`, and what Seen has |
| `lamps` | controller | 0 | `boot` and `seq` of the message that it answers, `lamps` |
| `state` | controller | 1, retained | `junctions`, `modes`, `phases`, `alarms`, `bundle`, `time` |
| `status` | controller | 1, retained | `online`; the broker says it is not when the controller is gone (last will) |

`schema.json` has the bodies as JSON Schema. `boot` names a run of the street's unit: `seq` counts up within it, and
what is not newer than the last message is dropped.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

from controllers.errors import MessageError
from controllers.io import Seen
from controllers.policy import numbers_as_json, numbers_of
from controllers.site import Site

MOST_BYTES = 1 << 18


def encode(body: Mapping[str, Any]) -> bytes:
    """A message as it goes over the wire."""
    text = json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
    return text + f"\n{zlib.crc32(text):08x}".encode()


def decode(payload: bytes) -> dict[str, Any]:
    """The body of a message. Raises MessageError for junk."""
    if len(payload) > MOST_BYTES:
        raise MessageError(f"{len(payload)} bytes; at most {MOST_BYTES}")
    text, _, check = payload.rpartition(b"\n")
    try:
        if int(check, 16) != zlib.crc32(text):
            raise MessageError("the check sum differs")
        body = json.loads(text.decode())
    except (ValueError, RecursionError) as error:
        raise MessageError("is no JSON with a check sum") from error
    if not isinstance(body, dict):
        raise MessageError("is no JSON object")
    return body


def seen_body(seen: Seen, boot: str, seq: int, tick_s: float) -> dict[str, Any]:
    """What a street tells, as a body."""
    return {
        "boot": boot, "seq": seq, "tick_s": tick_s,
        "vehicles": numbers_as_json(seen.vehicles), "halting": numbers_as_json(seen.halting),
        "walk_calls": [sorted(pressed) for pressed in seen.walk_calls], "priority": list(seen.priority),
        "flashing": list(seen.flashing), "lamp_a": list(seen.lamp_a), "supply": dict(seen.supply),
        "clock_s": seen.clock_s,
    }  # fmt: skip


def seen_of(body: Mapping[str, Any], site: Site) -> Seen:
    """What a street tells about this site. Raises MessageError with what does not fit."""
    junctions, zones = len(site.plans), len(site.zones)
    for key in ("vehicles", "halting"):
        _must(body, key, zones, is_number)
    for key, one in (
        ("priority", _is_phase),
        ("flashing", _is_bool),
        ("lamp_a", is_number),
        ("walk_calls", _is_links),
    ):
        _must(body, key, junctions, one, empty=True)
    supply = body.get("supply", {})
    if not isinstance(supply, dict) or not all(is_number(value) and value is not None for value in supply.values()):
        raise MessageError("supply: numbers by name")
    clock_s = body.get("clock_s")
    if not is_number(clock_s):
        raise MessageError("clock_s: a number")
    return Seen(
        numbers_of(body["vehicles"]), numbers_of(body["halting"]),
        tuple(frozenset(pressed) for pressed in body.get("walk_calls", ())), tuple(body.get("priority", ())),
        tuple(body.get("flashing", ())), tuple(body.get("lamp_a", ())), supply, clock_s,
    )  # fmt: skip


def place_of(body: Mapping[str, Any]) -> tuple[str, int]:
    """Which run of the street's unit a message belongs to, and its number there. Raises MessageError."""
    boot, seq = body.get("boot"), body.get("seq")
    if not isinstance(boot, str) or not 0 < len(boot) <= 64 or type(seq) is not int or not 0 <= seq < 1 << 53:
        raise MessageError("boot and seq: a name and a number from 0")
    return boot, seq


def tick_of(body: Mapping[str, Any]) -> float:
    """Time between two messages [s]. Raises MessageError."""
    tick_s = body.get("tick_s")
    if not is_number(tick_s) or tick_s is None or not 0.05 <= tick_s <= 10:
        raise MessageError("tick_s: 0.05 … 10 seconds")
    return float(tick_s)


def lamps_of(body: Mapping[str, Any], site: Site) -> list[str]:
    """The lamps that a controller asks for. Raises MessageError."""
    lamps = body.get("lamps")
    if not isinstance(lamps, list) or len(lamps) != len(site.plans):
        raise MessageError(f"lamps: of {len(site.plans)} junctions")
    for state, plan in zip(lamps, site.plans, strict=True):
        if not isinstance(state, str) or len(state) != plan.links or set(state) - set("GgyrsoO"):
            raise MessageError(f"lamps: {plan.name} has {plan.links} lamp groups, letters G g y r s o")
    return lamps


def _must(body: Mapping[str, Any], key: str, length: int, one: Any, empty: bool = False) -> None:
    values = body.get(key, [] if empty else None)
    fits = isinstance(values, list) and (len(values) == length or (empty and not values))
    if not fits or not all(map(one, values)):
        raise MessageError(f"{key}: {length} values")


def is_number(value: Any) -> bool:
    """Whether a value of a message is a number that a float can hold, or null."""
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300)


def _is_phase(value: Any) -> bool:
    return value is None or type(value) is int


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_links(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= 128 and all(type(link) is int for link in value)
