"""NGSI-LD (ETSI GS CIM 009): entities taken in from a context broker or a platform, and given out.

Of the standard's operations: batch upsert, retrieve, query by type, and the receiving end of a subscription. Contexts
are not fetched. Answers are `application/ld+json`, with `@context` in the body.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from controllers.errors import MessageError
from deploy.app.accounts import Identity
from deploy.app.auth import having
from deploy.app.fields import Taken, one_of
from deploy.app.problems import ALWAYS, TITLES, Problem, missing
from deploy.app.roles import Role
from deploy.live.desk import Desk
from twin.live.standards import ngsi

router = APIRouter(tags=["live"], responses=ALWAYS)
Sender = Annotated[Identity, having(Role.FEED)]
Reader = Annotated[Identity, having(Role.FEED, Role.SIGNALS, Role.ANALYST)]
MOST_ENTITIES = 1_000
EXAMPLE: dict[str, Any] = {
    "id": "urn:ngsi-ld:TrafficFlowObserved:jalan-soekarno-1", "type": "TrafficFlowObserved",
    "intensity": {"type": "Property", "value": 197, "observedAt": "2026-01-05T00:15:00Z"},
    "occupancy": {"type": "Property", "value": 0.76, "observedAt": "2026-01-05T00:15:00Z"},
    "@context": [ngsi.MODELS, ngsi.CORE],
}  # fmt: skip


class LdJson(JSONResponse):
    """JSON-LD."""

    media_type = "application/ld+json"


class Entity(Taken):
    """An entity, normalised, concise or with bare values; what is none of our attributes is passed over."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [EXAMPLE]})

    id: str = Field(min_length=1, max_length=200)
    type: Annotated[str, *one_of(ngsi.types())]


class Notification(Taken):
    """What a context broker sends to a subscription's endpoint."""

    id: str = Field(max_length=200, examples=["urn:ngsi-ld:Notification:1"])
    type: Literal["Notification"]
    subscriptionId: str = Field("", max_length=200)
    notifiedAt: str = Field("", max_length=40)
    data: list[Entity] = Field(max_length=MOST_ENTITIES)


class EntityError(BaseModel):
    """Why nothing of an entity was taken."""

    entityId: str
    error: Problem


class BatchResult(BaseModel):
    """What became of a batch: ids that were taken, and errors of the others."""

    success: list[str]
    errors: list[EntityError]


def desk_of(request: Request) -> Desk:
    """The app's live desk."""
    found: Desk = request.app.state.live
    return found


def _taken(desk: Desk, entities: Sequence[Entity], ok: int) -> Response:
    """Take entities in, each whole or not at all; 207 where one was not."""
    known = {f"{ngsi.URN}{ngsi.type_of(kind)}:{source}" for kind, source in desk.latest.sources()}
    readable, result = [], BatchResult(success=[], errors=[])
    for entity in entities:
        try:
            readable.append((entity.id, ngsi.messages_of(entity.model_dump())))
        except MessageError as error:
            desk.refuse()
            result.errors.append(_error(entity.id, 422, str(error), "input_at_fault"))
    rows = iter(desk.take([message for _, messages in readable for message in messages]))
    for name, messages in readable:
        if all([next(rows) for _ in messages]):
            result.success.append(name)
        else:
            result.errors.append(_error(name, 429, "too many readings a second; send it again", "flood"))
    if result.errors:
        return JSONResponse(result.model_dump(), 207)
    made = sorted(set(result.success) - known)
    return JSONResponse(made, 201) if made and ok == 204 else Response(status_code=ok)


def _error(name: str, status: int, detail: str, reason: str) -> EntityError:
    return EntityError(entityId=name, error=Problem(title=TITLES[status], status=status, detail=detail, reason=reason))


TAKEN: dict[int | str, dict[str, Any]] = {
    204: {"description": "all were taken"},
    207: {"model": BatchResult, "description": "some were not taken"},
}


@router.post("/ngsi-ld/v1/entityOperations/upsert", response_model=list[str], status_code=201, responses=TAKEN)
def upsert(
    request: Request, who: Sender, entities: Annotated[list[Entity], Body(min_length=1, max_length=MOST_ENTITIES)]
) -> Any:
    """Take readings in, a property each; 201 lists the sources that were not known before.

    They are judged by their event times and kept as they are: one that is late, out of order or impossible is flagged,
    and one told again for the same moment is a duplicate, which nothing counts twice.
    """
    return _taken(desk_of(request), entities, 204)


@router.post("/v1/live/notifications", status_code=200, responses={207: TAKEN[207]}, response_class=Response)
def notified(request: Request, who: Sender, notification: Notification) -> Any:
    """Where a context broker's subscription sends its notifications (its `receiverInfo` carries the token)."""
    return _taken(desk_of(request), notification.data, 200)


@router.get("/ngsi-ld/v1/entities", response_model=list[dict[str, Any]], response_class=LdJson)
def entities(
    request: Request, response: Response, who: Reader,
    kind: Annotated[str | None, *one_of(ngsi.types()), Query(alias="type")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_ENTITIES)] = 20,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
    count: Annotated[bool, Query(description="tell the number of all in the header NGSILD-Results-Count")] = False,
    options: Literal["normalized", "keyValues"] = "normalized",
) -> Any:  # fmt: skip
    """What every source told last, an entity each, in the order of types and names."""
    latest = desk_of(request).latest
    found = sorted({(ngsi.type_of(one), source) for one, source in latest.sources()})
    chosen = [one for one in found if kind is None or one[0] == kind]
    if count:
        response.headers["NGSILD-Results-Count"] = str(len(chosen))
    return [_shown(request, *one, options) for one in chosen[offset : offset + limit]]


@router.get("/ngsi-ld/v1/entities/{entity}", response_model=dict[str, Any], response_class=LdJson)
def entity(
    request: Request, who: Reader,
    entity: Annotated[str, Path(max_length=200, examples=[EXAMPLE["id"]])],
    options: Literal["normalized", "keyValues"] = "normalized",
) -> Any:  # fmt: skip
    """What one source told last."""
    try:
        kind, source = ngsi.named(entity, entity.removeprefix(ngsi.URN).partition(":")[0])
    except MessageError:
        raise missing(f"entity {entity}") from None
    if not any((ngsi.type_of(one), name) == (kind, source) for one, name in desk_of(request).latest.sources()):
        raise missing(f"entity {entity}")
    return _shown(request, kind, source, options)


def _shown(request: Request, kind: str, source: str, options: str) -> dict[str, Any]:
    latest = desk_of(request).latest
    rows = [row for one in ngsi.kinds_of(kind) for row in latest.of(one, source).values()]
    shown = ngsi.entity_of(kind, source, rows)
    return ngsi.key_values(shown) if options == "keyValues" else shown
