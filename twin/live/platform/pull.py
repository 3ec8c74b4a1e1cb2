"""A platform's newest readings, polled: NGSI-LD entities of our types, or SensorThings observations.

A poll that fails is counted, and the next one goes on from there; what has not changed since the last poll is not taken
again. A table (`datastream,kind,source,value`) names foreign datastreams; without one, ids of ours are looked for.
"""

from __future__ import annotations

import contextlib
import csv
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, cast, get_args

from controllers.errors import MessageError
from twin.errors import LiveError
from twin.live.messages import Message, kinds, write
from twin.live.mqtt import asked_to_stop
from twin.live.platform.client import ForbiddenError, Platform
from twin.live.standards import ngsi, sensorthings
from twin.live.standards.terms import in_ours, reading, time_of
from twin.live.store import LiveStore
from twin.terminal import tell

PAGE, MOST_PAGES = 500, 200
MOST_REMEMBERED = 100_000
Standard = Literal["ngsi-ld", "sensorthings"]
Stream = tuple[str, str, str]


def spoken(standard: str) -> Standard:
    """A standard by its name. Raises LiveError."""
    if standard not in get_args(Standard):
        raise LiveError(f"--as: {standard!r} is none of {', '.join(get_args(Standard))}")
    return cast(Standard, standard)


class Source:
    """What a platform told so far: the newest event time of every value; who was told longest ago is forgotten."""

    def __init__(self, platform: Platform, standard: Standard, streams: Mapping[str, Stream] | None = None) -> None:
        self.platform, self.standard, self.streams = platform, standard, streams
        self.refused, self.why = 0, ""
        self._newest: dict[Stream, float] = {}
        self._symbols: dict[str, str] = {}  # a datastream's unit

    def news(self) -> Iterator[Message]:
        """Readings with an event time that was not told before. Raises LiveError where the platform does not answer."""
        for message in self._entities() if self.standard == "ngsi-ld" else self._observations():
            key = (message.kind, message.source, next(iter(message.values)))
            before = self._newest.pop(key, None)
            self._newest[key] = message.at_s
            if len(self._newest) > MOST_REMEMBERED:
                self._newest.pop(next(iter(self._newest)))
            if before != message.at_s:
                yield message

    def _entities(self) -> Iterator[Message]:
        for kind in ngsi.types():
            for page in range(MOST_PAGES):
                found = self.platform.get("/ngsi-ld/v1/entities", type=kind, limit=PAGE, offset=page * PAGE)
                if not isinstance(found, list):
                    raise LiveError(f"{self.platform.url}: no list of entities")
                for entity in found:
                    yield from self._read(ngsi.messages_of, entity)
                if len(found) < PAGE:
                    break

    def _observations(self) -> Iterator[Message]:
        for identifier, stream in self._streams().items():
            numbered = f"/Datastreams({identifier})"
            path = numbered if identifier.isdecimal() else sensorthings.link("", "Datastreams", identifier)
            if identifier not in self._symbols:
                about = self.platform.get(path)
                unit = about.get("unitOfMeasurement") if isinstance(about, dict) else None
                self._symbols[identifier] = str(unit.get("symbol", "")) if isinstance(unit, dict) else ""
            query: dict[str, Any] = {"$orderby": "phenomenonTime desc", "$top": 1}
            if known := stream in self._newest:
                after = f"phenomenonTime gt {time_of(self._newest[stream])}"
                query = {"$orderby": "phenomenonTime asc", "$top": PAGE, "$filter": after}
            for one in self._pages(f"{path}/Observations", query, on=known):
                yield from self._read(_observed, one, stream, self._symbols[identifier])

    def _pages(self, path: str, query: Mapping[str, Any], on: bool = True) -> Iterator[Any]:
        for _ in range(MOST_PAGES):
            found = self.platform.get(path, **query)
            if not isinstance(found, dict) or not isinstance(found.get("value"), list):
                raise LiveError(f"{self.platform.url}: no page of SensorThings at {path}")
            yield from found["value"]
            if not on or not isinstance(found.get("@iot.nextLink"), str):
                return
            path, query = found["@iot.nextLink"], {}

    def _streams(self) -> Mapping[str, Stream]:
        if self.streams is not None:
            return self.streams
        found = {}
        for one in self._pages("/Datastreams", {"$top": PAGE}):
            identifier = str(one.get("@iot.id")) if isinstance(one, dict) else ""
            with contextlib.suppress(MessageError):
                found[identifier] = sensorthings.stream_of(identifier)
        return found

    def _read(self, read: Callable[..., list[Message]], *told: Any) -> list[Message]:
        try:
            return read(*told)
        except MessageError as error:
            self.refused, self.why = self.refused + 1, self.why or str(error)
            return []


def _observed(told: Any, stream: Stream, symbol: str) -> list[Message]:
    if not isinstance(told, dict):
        raise MessageError("an observation is a JSON object")
    (kind, source, value), message = stream, sensorthings.message_of(told, ":".join(stream))
    number = message.values[value]
    ours = None if number is None else in_ours(kind, value, number, symbol=symbol)
    return [reading(kind, source, value, message.at_s, ours)]


def streams_in(path: Path) -> dict[str, Stream]:
    """A table of foreign datastreams. Raises LiveError with every line that cannot be used."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LiveError(f"{path}: cannot be read as a table ({error})") from error
    found, faults = {}, []
    for line, row in enumerate(rows, 2):
        try:
            found[row["datastream"]] = sensorthings.stream_of(f"{row['kind']}:{row['source']}:{row['value']}")
        except KeyError as error:
            raise LiveError(f"{path}: no column {error}; datastream,kind,source,value are needed") from error
        except MessageError as error:
            faults.append(f"line {line}: {error}")
    if faults or not found:
        raise LiveError(f"{path}: {'; '.join(faults) or f'no datastream in it; kinds {list(kinds())}'}")
    return found


def pull(
    source: Source, folder: Path, every_s: float, for_s: float | None, progress: Callable[..., None] = lambda *_: None
) -> tuple[dict[str, Any], bool]:
    """Poll a platform for so long, or until Ctrl-C or SIGTERM; what came, and whether it was stopped.

    A day that is over, or was followed as long as was asked, is sealed; a stopped one is left to be gone on with.
    Raises LiveError where the platform does not let us in, or never answered in the time given.
    """
    began_s, polls, failed, last = time.monotonic(), 0, 0, ""
    with LiveStore(folder) as store, asked_to_stop() as asked:
        while not asked.is_set():
            polls, fault = polls + 1, ""
            try:
                for message in source.news():
                    store.take(*write(message), time.time())
            except ForbiddenError:
                raise
            except LiveError as error:
                failed, fault = failed + 1, str(error)
            store.write()
            spent_s = time.monotonic() - began_s
            progress(int(spent_s), None if for_s is None else int(for_s), str(store.totals["taken"]))
            if for_s is not None and spent_s + every_s > for_s:
                break
            if fault and fault != last:
                tell(fault)
            last = fault
            asked.wait(every_s)
        if failed == polls and not asked.is_set():
            raise LiveError(fault)
        told = {**store.totals, "polls": polls, "failed_polls": failed, "not_read": source.refused, "why": source.why}
        if asked.is_set():
            store.pause()
    return {"runs": [str(path) for path in store.sealed], **told}, asked.is_set()
