"""What the APIs' models share: strict bodies, lines of text, one of several names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from starlette.requests import HTTPConnection

from deploy.app.problems import ProblemError


class Taken(BaseModel):
    """A request's body: nothing unknown in it, and no text where a number belongs."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _whole_numbers(cls, given: Any) -> Any:
        """JSON has one kind of number, and 5.0 is an integer (JSON Schema, 6.1.1)."""
        if not isinstance(given, dict):
            return given
        return {key: int(one) if isinstance(one, float) and one.is_integer() else one for key, one in given.items()}


# no control characters: they have no place in a log, a page or PostgreSQL
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Comment = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


def one_of(names: Iterable[str]) -> Any:
    """Metadata of a text that must be one of these names; the OpenAPI document lists them."""
    known: list[Any] = list(names)

    def check(value: str) -> str:
        if value not in known:
            raise ValueError(f"is none of {', '.join(known)}")
        return value

    return AfterValidator(check), Field(json_schema_extra={"enum": known})


async def no_unknown_query(request: HTTPConnection) -> None:
    """Raise ProblemError 422 for a query parameter that the route has not: a misspelt one would be passed over."""
    if not request.query_params or request.scope["type"] != "http":
        return
    path = request.app.openapi()["paths"].get(getattr(request.scope.get("route"), "path", ""), {})
    operation = path.get(request.scope["method"].lower())
    if operation is not None:
        known = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
        if unknown := sorted(set(request.query_params) - known):
            raise ProblemError(422, f"query: unknown {', '.join(unknown)[:200]!r}", "input_at_fault")


def raw_body(media_type: str, example: str) -> dict[str, Any]:
    """A route's body in the OpenAPI document: bytes as they are, one at least."""
    schema = {"type": "string", "format": "binary", "minLength": 1, "examples": [example]}
    return {"requestBody": {"required": True, "content": {media_type: {"schema": schema}}}}
