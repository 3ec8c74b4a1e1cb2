"""NGSI-LD (ETSI GS CIM 009): entities of the Smart Data Models as messages, and what was read last as entities.

An entity is one source: `urn:ngsi-ld:TYPE:SOURCE`. Attributes may be normalised, concise or bare values; each is taken
at its `observedAt`, else at the entity's `dateObserved` or `dateObservedTo`, and never at a time that nobody told.
Attributes that no kind of ours has are passed over. Contexts are not fetched: short names mean what the models mean.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from controllers.errors import MessageError
from twin.live.messages import Message, is_source
from twin.live.standards.terms import Term, at_of, in_ours, number_of, reading, terms, time_of, unit_of
from twin.module import Row

URN = "urn:ngsi-ld:"
CORE = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.7.jsonld"
MODELS = "https://smart-data-models.github.io/data-models/context.jsonld"
OURS = "urn:trenggalek-twin:"
DATES = ("dateObserved", "dateObservedTo")


@functools.cache
def types() -> dict[str, dict[str, Term]]:
    """Terms by type of entity and attribute."""
    found: dict[str, dict[str, Term]] = {}
    for term in terms():
        found.setdefault(term.type, {})[term.attribute] = term
    return found


@functools.cache
def type_of(kind: str) -> str:
    """The type of entity that a kind's readings stand in."""
    return next(term.type for term in terms() if term.kind == kind)


@functools.cache
def kinds_of(kind: str) -> tuple[str, ...]:
    """The kinds whose readings stand in a type of entity."""
    return tuple(dict.fromkeys(term.kind for term in types()[kind].values()))


def context() -> list[Any]:
    """The `@context` of our entities: the core's, the models', and our own names."""
    own = {term.attribute: OURS + term.attribute for term in terms() if term.ours}
    own |= {term.type: OURS + term.type for term in terms() if all(one.ours for one in types()[term.type].values())}
    return [{**own, "flags": f"{OURS}flags"}, MODELS, CORE]


def messages_of(entity: Any) -> list[Message]:
    """An entity's readings, a message each. Raises MessageError with what cannot be used, or where nothing can."""
    if not isinstance(entity, Mapping):
        raise MessageError("an entity is a JSON object")
    kind, source = named(str(entity.get("id")), entity.get("type"))
    dated = next((entity[name] for name in DATES if name in entity), None)
    found, faults = [], []
    for attribute, term in types()[kind].items():
        if attribute in entity:
            try:
                found.append(_reading(entity[attribute], term, source, dated))
            except MessageError as error:
                faults.append(f"{attribute}: {error}")
    if not found and not faults:
        faults.append(f"none of {', '.join(types()[kind])}")
    if faults:
        raise MessageError("; ".join(faults))
    return found


def named(entity_id: str, kind: Any) -> tuple[str, str]:
    """Type and source of an entity's id. Raises MessageError."""
    if kind not in types():
        raise MessageError(f"type: {str(kind)[:60]!r} is none of {', '.join(types())}")
    head = f"{URN}{kind}:"
    source = entity_id.removeprefix(head)
    if not entity_id.startswith(head) or not is_source(source):
        raise MessageError(f"id: {entity_id[:100]!r} is no {head}NAME of 80 letters, digits, _ . : # - at most")
    return kind, source


def _reading(told: Any, term: Term, source: str, dated: Any) -> Message:
    one = told if isinstance(told, Mapping) else {"value": told}
    if one.get("type", "Property") != "Property" or "value" not in one:
        raise MessageError("a Property with a value")
    when = one.get("observedAt", _plain(dated))
    if when is None:
        raise MessageError(f"observedAt: none, and no {' or '.join(DATES)}")
    value = number_of(one["value"], "value")
    if value is not None:
        value = in_ours(term.kind, term.value, value, str(one.get("unitCode") or term.unit_code))
    return reading(term.kind, source, term.value, at_of(when, "observedAt"), value)


def _plain(value: Any) -> Any:
    """A property's, or a JSON-LD typed literal's, value."""
    while isinstance(value, Mapping):
        value = value.get("value", value.get("@value"))
    return value


def entity_of(kind: str, source: str, rows: Sequence[Row]) -> dict[str, Any]:
    """An entity of a type from its source's newest values, normalised, in the model's units, with their `flags`."""
    attributes: dict[str, dict[str, Any]] = {}
    known = {(term.kind, term.value): term for term in types()[kind].values()}
    for row in rows:
        term = known[str(row["kind"]), str(row["name"])]
        unit = unit_of(term.kind, term.value, term.unit_code)
        told = attributes[term.attribute] = {
            "type": "Property",
            "value": float(row["value"] or 0.0) / unit.factor,
            "unitCode": unit.code,
            "observedAt": time_of(float(row["at_s"] or 0.0)),
        }
        if row["flags"]:
            told["flags"] = {"type": "Property", "value": str(row["flags"]).split(",")}
    return {"id": f"{URN}{kind}:{source}", "type": kind, **attributes, "@context": context()}


def key_values(entity: Mapping[str, Any]) -> dict[str, Any]:
    """A normalised entity with bare values; the newest of their times as `dateObserved`."""
    told = {name: one for name, one in entity.items() if isinstance(one, Mapping)}
    dated = max(one["observedAt"] for one in told.values())
    return {**entity, **{name: one["value"] for name, one in told.items()}, "dateObserved": dated}
