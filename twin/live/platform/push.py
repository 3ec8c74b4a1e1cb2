"""A live day's readings given to a platform, as NGSI-LD upserts or SensorThings arrays, with what is odd about them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from twin.live.platform.client import Platform
from twin.live.platform.pull import Standard
from twin.live.standards import ngsi, sensorthings
from twin.module import Row
from twin.run import Run

MOST_ENTITIES, MOST_ROWS = 500, 5_000
COLUMNS = ("at_s", "arrived_s", "kind", "source", "name", "value", "flags")
Progress = Callable[..., None]


def push(run: Run, platform: Platform, standard: Standard, progress: Progress = lambda *_: None) -> dict[str, Any]:
    """Send a day's readings in the order of arrival, without duplicates and empty ones; how many were sent and taken.

    Sent again, they are duplicates to whoever goes by event time. Raises LiveError where the platform fails.
    """
    table = run.table("live_reading")
    table = table[table["value"].notna() & ~table["flags"].str.contains("duplicate")]
    rows = (dict(zip(COLUMNS, row, strict=True)) for row in table[list(COLUMNS)].itertuples(index=False))
    sent, refused, why = 0, 0, ""
    send = _upserted if standard == "ngsi-ld" else _created
    for batch, refusals in send(platform, rows):
        sent, refused, why = sent + batch, refused + len(refusals), why or next(iter(refusals), "")
        progress(sent, len(table))
    return {"readings": sent, "refused": refused, "why": why}


def _upserted(platform: Platform, rows: Iterable[Row]) -> Iterator[tuple[int, list[str]]]:
    """Batches in which every value of a source stands once: an entity holds the newest alone."""
    held: dict[tuple[str, str], dict[tuple[str, str], Row]] = {}

    def send() -> tuple[int, list[str]]:
        entities = [ngsi.entity_of(kind, source, list(own.values())) for (kind, source), own in held.items()]
        _, answer = platform.post("/ngsi-ld/v1/entityOperations/upsert", entities)
        errors = answer.get("errors", []) if isinstance(answer, dict) else []
        return sum(map(len, held.values())), [f"{one.get('entityId')}: {one.get('error')}" for one in errors]

    for row in rows:
        key, value = (ngsi.type_of(str(row["kind"])), str(row["source"])), (str(row["kind"]), str(row["name"]))
        if value in held.get(key, ()) or len(held) >= MOST_ENTITIES:
            yield send()
            held.clear()
        held.setdefault(key, {})[value] = row
    if held:
        yield send()


def _created(platform: Platform, rows: Iterable[Row]) -> Iterator[tuple[int, list[str]]]:
    left = iter(rows)
    while batch := list(itertools.islice(left, MOST_ROWS)):
        groups: dict[str, list[list[Any]]] = {}
        for row in batch:
            told = sensorthings.observation("", row)
            line = [told["phenomenonTime"], told["result"], told["parameters"]]
            groups.setdefault(f"{row['kind']}:{row['source']}:{row['name']}", []).append(line)
        body = [
            {sensorthings.STREAM: {sensorthings.ID: stream}, "components": [*sensorthings.COMPONENTS, "parameters"],
             "dataArray": lines}
            for stream, lines in groups.items()
        ]  # fmt: skip
        _, links = platform.post("/CreateObservations", body)
        yield len(batch), [str(one) for one in links or () if str(one).startswith("error")]
