"""OGC SensorThings 1.1 (18-088): Things, Datastreams and Observations; observations taken in, one by one or in arrays.

A source is there from its first reading on. `$top`, `$skip`, `$orderby`, `$count` and `phenomenonTime gt` of `$filter`
are understood; other query options are refused, not passed over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Body, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from controllers.errors import MessageError
from deploy.app.fields import Taken
from deploy.app.problems import ALWAYS, ProblemError, missing
from deploy.live.ngsi import Reader, Sender, desk_of
from twin.live.messages import Message
from twin.live.standards import sensorthings as st
from twin.live.standards.terms import at_of
from twin.module import Row

ROOT = "/sensorthings/v1.1"
router = APIRouter(prefix=ROOT, tags=["live"], responses=ALWAYS)
MOST_ROWS = 10_000
WHEN, RESULT = "2026-01-05T00:15:00Z", 12
STREAM = "detectors:zone-1:vehicles"
StreamId = Annotated[str, Path(max_length=200, examples=[STREAM])]
ThingId = Annotated[str, Path(max_length=200, examples=["detectors:zone-1"])]
Top = Annotated[int, Query(alias="$top", ge=1, le=1_000)]
Skip = Annotated[int, Query(alias="$skip", ge=0, le=10_000_000)]
Count = Annotated[bool, Query(alias="$count")]
OrderBy = Annotated[
    Literal["phenomenonTime", "phenomenonTime asc", "phenomenonTime desc",
            "resultTime", "resultTime asc", "resultTime desc"], Query(alias="$orderby"),
]  # fmt: skip
After = Annotated[
    str,
    Query(alias="$filter", pattern=r"^phenomenonTime gt [0-9T:.Z+-]{10,40}$", examples=[f"phenomenonTime gt {WHEN}"]),
]


class Reference(Taken):
    """An entity by its identifier."""

    iot_id: str = Field(alias="@iot.id", min_length=1, max_length=200, examples=[STREAM])


class Told(Taken):
    """A reading. When it arrived is its `resultTime` here; one that is sent is not used."""

    phenomenonTime: str = Field(min_length=1, max_length=100, examples=[WHEN])
    result: float | None = Field(examples=[RESULT], allow_inf_nan=False)
    resultTime: str | None = Field(None, max_length=100)
    parameters: dict[str, Any] | None = None


class ToldOf(Told):
    """A reading of a datastream."""

    Datastream: Reference


class Group(Taken):
    """Readings of one datastream as rows (the data array extension)."""

    Datastream: Reference
    components: list[str] = Field(min_length=2, max_length=10, examples=[list(st.COMPONENTS)])
    dataArray: list[list[Any]] = Field(min_length=1, max_length=MOST_ROWS, examples=[[[WHEN, RESULT]]])


class Page(BaseModel):
    """Some of a set's entities."""

    count: int | None = Field(None, alias="@iot.count")
    next: str | None = Field(None, alias="@iot.nextLink")
    value: list[dict[str, Any]]


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/") + ROOT


def _page(request: Request, shown: list[dict[str, Any]], total: int, skip: int, top: int, count: bool) -> Page:
    more = skip + top < total
    query = urlencode({**request.query_params, "$skip": skip + top, "$top": top}, safe="$:'")
    path = request.url.path.removeprefix(ROOT)
    return Page(
        **{"@iot.count": total if count else None, "@iot.nextLink": f"{_base(request)}{path}?{query}" if more else None,
           "value": shown}
    )  # fmt: skip


def _streams(request: Request, only: tuple[str, str] | None = None) -> list[tuple[str, str, str]]:
    latest = desk_of(request).latest
    return [(*one, name) for one in latest.sources() if only in (None, one) for name in sorted(latest.of(*one))]


def _known(request: Request, thing: str) -> tuple[str, str]:
    kind, _, source = thing.partition(":")
    if not desk_of(request).latest.of(kind, source):
        raise missing(f"Things('{thing}')")
    return kind, source


def _stream(identifier: str) -> tuple[str, str, str]:
    try:
        return st.stream_of(identifier)
    except MessageError as error:
        raise ProblemError(404, str(error), "not_found") from None


@router.get("", response_model=dict[str, Any])
async def sets(request: Request, who: Reader) -> Any:
    """The sets of entities that there are."""
    names = ("Things", "Datastreams", "Observations")
    return {"value": [{"name": name, "url": st.link(_base(request), name)} for name in names]}


@router.get("/Things", response_model=Page, response_model_exclude_none=True)
def things(request: Request, who: Reader, top: Top = 100, skip: Skip = 0, count: Count = False) -> Any:
    """The sources, by kind and name."""
    found = desk_of(request).latest.sources()
    shown = [st.thing(_base(request), *one) for one in found[skip : skip + top]]
    return _page(request, shown, len(found), skip, top, count)


@router.get("/Things('{thing}')", response_model=dict[str, Any])
def thing(request: Request, who: Reader, thing: ThingId) -> Any:
    """A source."""
    return st.thing(_base(request), *_known(request, thing))


@router.get("/Things('{thing}')/Datastreams", response_model=Page, response_model_exclude_none=True)
def datastreams_of(
    request: Request, who: Reader, thing: ThingId, top: Top = 100, skip: Skip = 0, count: Count = False
) -> Any:
    """What a source measures."""
    found = _streams(request, _known(request, thing))
    shown = [st.datastream(_base(request), *one) for one in found[skip : skip + top]]
    return _page(request, shown, len(found), skip, top, count)


@router.get("/Datastreams", response_model=Page, response_model_exclude_none=True)
def datastreams(request: Request, who: Reader, top: Top = 100, skip: Skip = 0, count: Count = False) -> Any:
    """What all sources measure."""
    found = _streams(request)
    shown = [st.datastream(_base(request), *one) for one in found[skip : skip + top]]
    return _page(request, shown, len(found), skip, top, count)


@router.get("/Datastreams('{stream}')", response_model=dict[str, Any])
def datastream(request: Request, who: Reader, stream: StreamId) -> Any:
    """A value of a source."""
    found = _stream(stream)
    if found[2] not in desk_of(request).latest.of(*found[:2]):
        raise missing(f"Datastreams('{stream}')")
    return st.datastream(_base(request), *found)


@router.get("/Datastreams('{stream}')/Observations", response_model=Page, response_model_exclude_unset=True)
def observations(
    request: Request, who: Reader, stream: StreamId, top: Top = 100, skip: Skip = 0, count: Count = False,
    orderby: OrderBy = "phenomenonTime", after: After = "",
) -> Any:  # fmt: skip
    """A value's readings over the days that are kept, by event time unless asked otherwise, each once."""
    name, _, way = orderby.partition(" ")
    try:
        after_s = at_of(after.rpartition(" ")[2], "$filter") if after else -math.inf
    except MessageError as error:
        raise ProblemError(422, str(error), "input_at_fault") from None
    order = "at_s" if name == "phenomenonTime" else "arrived_s"
    rows, total = desk_of(request).history(_stream(stream), order, way == "desc", after_s, skip, top)
    shown = [st.observation(_base(request), row) for row in rows]
    made = _page(request, shown, total, skip, top, count).model_dump(by_alias=True)
    return JSONResponse({key: value for key, value in made.items() if value is not None})


@router.post("/Datastreams('{stream}')/Observations", status_code=201, responses={200: {"model": dict[str, Any]}},
             response_model=dict[str, Any])  # fmt: skip
def observe_in(request: Request, who: Sender, stream: StreamId, given: Told) -> Any:
    """Take in a reading; 200 where it was told before for the same moment, and the first one stands."""
    return _one(request, _read(request, given, stream))


@router.post("/Observations", status_code=201, responses={200: {"model": dict[str, Any]}},
             response_model=dict[str, Any])  # fmt: skip
def observe(request: Request, who: Sender, given: ToldOf) -> Any:
    """Take in a reading of a datastream; 200 where it was told before for the same moment, and the first one stands."""
    return _one(request, _read(request, given, given.Datastream.iot_id))


@router.post("/CreateObservations", status_code=201, response_model=list[str])
def observe_many(
    request: Request, who: Sender, groups: Annotated[list[Group], Body(min_length=1, max_length=MOST_ROWS)]
) -> Any:
    """Take in arrays of readings; the answer has, in their order, each one's link, or `error` and why."""
    told: list[Message | str] = []
    for group in groups:
        try:
            rows: Sequence[Any] = st.rows_of(group.model_dump())
        except MessageError as error:
            told += [f"error: {error}"] * len(group.dataArray)
            continue
        for row in rows:
            try:
                told.append(st.message_of(row, group.Datastream.iot_id))
            except MessageError as error:
                told.append(f"error: {error}")
    if len(told) > MOST_ROWS:
        raise ProblemError(413, f"{len(told)} readings; a request has at most {MOST_ROWS}", "too_large")
    desk, base = desk_of(request), _base(request)
    desk.refuse(sum(isinstance(one, str) for one in told))
    taken = iter(desk.take([one for one in told if isinstance(one, Message)]))
    return [one if isinstance(one, str) else _link(base, next(taken)) for one in told]


def _link(base: str, rows: list[Row]) -> str:
    return st.observation(base, rows[0])[st.SELF] if rows else "error: too many readings a second; send it again"


def _read(request: Request, given: Told, stream: str) -> Message:
    try:
        return st.message_of(given.model_dump(), stream)
    except MessageError as error:
        desk_of(request).refuse()
        raise ProblemError(422, str(error), "input_at_fault") from None


def _one(request: Request, message: Message) -> JSONResponse:
    (rows,) = desk_of(request).take([message])
    if not rows:
        raise ProblemError(429, "too many readings a second; send it again", "flood", {"retry-after": "1"})
    shown = st.observation(_base(request), rows[0])
    again = "duplicate" in shown["parameters"]["flags"]
    return JSONResponse(shown, 200 if again else 201, {"location": shown[st.SELF]})


@router.get("/Observations('{observation}')", response_model=dict[str, Any])
def observation(request: Request, who: Reader, observation: Annotated[str, Path(max_length=220)]) -> Any:
    """A reading."""
    stream, _, micros = observation.rpartition(":")
    if not micros.lstrip("-").isdecimal() or len(micros) > 18:
        raise missing(f"Observations('{observation}')")
    at_s = int(micros) / 1e6
    rows, _ = desk_of(request).history(_stream(stream), "at_s", False, at_s - 1e-6, 0, 1)
    if not rows or abs(float(rows[0]["at_s"] or 0.0) - at_s) > 1e-6:
        raise missing(f"Observations('{observation}')")
    return st.observation(_base(request), rows[0])


class State(BaseModel):
    """What came in over HTTP, and who is silent."""

    taken: int
    flooded: int
    refused: int
    sources: int
    silent: list[str]
    days: list[str]


operations = APIRouter(tags=["live"], responses=ALWAYS)


@operations.get("/v1/live/state", response_model=State)
def state(request: Request, who: Reader) -> Any:
    """What came in, what was refused, who is silent for longer than its kind allows, and the days that are kept."""
    return desk_of(request).state()
