"""OGC SensorThings 1.1 (18-088): a source is a Thing, each of its values a Datastream, each reading an Observation.

Identifiers say what they name: `Things('detectors:zone-1')`, `Datastreams('detectors:zone-1:halting')`, and for an
observation the datastream's with the event time in microseconds behind it. What is odd about a reading stands in its
`parameters`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from controllers.errors import MessageError
from twin.live.messages import Message, is_source, kinds
from twin.live.standards.terms import at_of, number_of, reading, terms, time_of, unit_of
from twin.module import Row

ID = "@iot.id"
SELF = "@iot.selfLink"
STREAM = "Datastream"
MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
COMPONENTS = ("phenomenonTime", "result")


def stream_of(identifier: str) -> tuple[str, str, str]:
    """Kind, source and value of a datastream's identifier. Raises MessageError."""
    thing, _, value = identifier.rpartition(":")
    kind, _, source = thing.partition(":")
    if value not in kinds().get(kind, ()) or not is_source(source):
        raise MessageError(f"Datastream: {identifier[:100]!r} is no KIND:SOURCE:VALUE; kinds {', '.join(kinds())}")
    return kind, source, value


def message_of(observation: Mapping[str, Any], stream: str) -> Message:
    """An observation of one of our datastreams, in its unit. Raises MessageError."""
    kind, source, value = stream_of(stream)
    if "phenomenonTime" not in observation or "result" not in observation:
        raise MessageError("phenomenonTime and result: both are needed")
    at_s = at_of(observation["phenomenonTime"], "phenomenonTime")
    return reading(kind, source, value, at_s, number_of(observation["result"], "result"))


def rows_of(group: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The observations of one group of the data array extension. Raises MessageError."""
    components, table = group.get("components"), group.get("dataArray")
    if not isinstance(components, list) or not all(name in components for name in COMPONENTS):
        raise MessageError(f"components: {', '.join(COMPONENTS)} at least")
    if not isinstance(table, list) or any(not isinstance(row, list) or len(row) != len(components) for row in table):
        raise MessageError(f"dataArray: rows of {len(components)} values")
    return [dict(zip(components, row, strict=True)) for row in table]


def link(base: str, entity_set: str, identifier: str = "", path: str = "") -> str:
    """The address of an entity, or of a set of them."""
    escaped = quote(identifier.replace("'", "''"), safe=":'")  # as OData writes an apostrophe
    key = f"('{escaped}')" if identifier else ""
    return f"{base}/{entity_set}{key}{path}"


def thing(base: str, kind: str, source: str) -> dict[str, Any]:
    """A source."""
    name = f"{kind}:{source}"
    return {
        ID: name, SELF: link(base, "Things", name), "name": source, "description": f"source of {kind}",
        "properties": {"kind": kind}, "Datastreams@iot.navigationLink": link(base, "Things", name, "/Datastreams"),
    }  # fmt: skip


def datastream(base: str, kind: str, source: str, value: str) -> dict[str, Any]:
    """One value of a source."""
    name, limits, unit = f"{kind}:{source}:{value}", kinds()[kind][value], unit_of(kind, value)
    term = next(one for one in terms() if (one.kind, one.value) == (kind, value))
    return {
        ID: name, SELF: link(base, "Datastreams", name), "name": f"{value} of {source}",
        "description": f"{value} [{limits.unit}]; possible: {limits.least:g} to {limits.most:g}",
        "observationType": MEASUREMENT,
        "unitOfMeasurement": {"name": limits.unit, "symbol": unit.symbol, "definition": f"UN/CEFACT {unit.code}"},
        "properties": {"kind": kind, "value": value, "ngsiType": term.type, "ngsiAttribute": term.attribute},
        "Thing@iot.navigationLink": link(base, "Things", f"{kind}:{source}"),
        "Observations@iot.navigationLink": link(base, "Datastreams", name, "/Observations"),
    }  # fmt: skip


def observation(base: str, row: Row) -> dict[str, Any]:
    """A reading; `resultTime` is when it arrived."""
    stream, at_s = f"{row['kind']}:{row['source']}:{row['name']}", float(row["at_s"] or 0.0)
    name = f"{stream}:{round(at_s * 1e6)}"
    return {
        ID: name, SELF: link(base, "Observations", name), "phenomenonTime": time_of(at_s),
        "resultTime": time_of(float(row["arrived_s"] or 0.0)), "result": row["value"],
        "parameters": {"flags": [flag for flag in str(row["flags"]).split(",") if flag]},
        "Datastream@iot.navigationLink": link(base, "Datastreams", stream),
    }  # fmt: skip
