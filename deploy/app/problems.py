"""Errors as problem+json (RFC 9457): one shape for all of them, in the OpenAPI document too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from deploy.app.examples import add_bodies, error_example
from twin.errors import FaultsError, TwinError

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "bad request", 401: "who are you", 403: "not yours to do", 404: "not found", 405: "method not allowed",
    409: "refused", 413: "too large", 415: "wrong media type", 422: "input at fault", 429: "too many requests",
    500: "fault of ours", 503: "not now",
}  # fmt: skip


class Problem(BaseModel):
    """What went wrong, for people (`detail`, `faults`) and for programs (`reason`)."""

    type: str = "about:blank"
    title: str = Field(examples=["refused"])
    status: int = Field(examples=[409])
    detail: str = Field(examples=["not enough money: 1,000 Rp are free, 69,677 Rp are needed"])
    reason: str = Field("", examples=["not_enough_money"])
    faults: list[str] = []


class ProblemError(Exception):
    """Raised anywhere in a service; becomes a problem+json answer."""

    def __init__(self, status: int, detail: str, reason: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.reason, self.headers = status, detail, reason, headers


def missing(what: str) -> ProblemError:
    """404: there is none, or it is not for the asker to know."""
    return ProblemError(404, f"{what}: there is none, or it is not yours", "not_found")


def response(
    status: int,
    detail: str,
    reason: str = "",
    faults: list[str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A problem as an answer."""
    body = Problem(
        title=TITLES.get(status, "problem"), status=status, detail=detail, reason=reason, faults=faults or []
    )
    return JSONResponse(body.model_dump(), status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Error answers of a route for the OpenAPI document."""
    return {status: {"model": Problem, "description": TITLES[status]} for status in statuses}


ALWAYS = documented(400, 401, 403, 404, 413, 422, 429, 503)


def install(app: FastAPI) -> None:
    """Let every error of the app become a problem."""

    @app.exception_handler(ProblemError)
    async def _problem(_: Request, error: ProblemError) -> JSONResponse:
        return response(error.status, error.detail, error.reason, headers=error.headers)

    @app.exception_handler(TwinError)
    async def _twin(_: Request, error: TwinError) -> JSONResponse:
        faults = error.faults if isinstance(error, FaultsError) else []
        return response(422, str(error).splitlines()[0], "input_at_fault", faults)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        faults = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}".encode("utf-8", "replace").decode()
                  for one in error.errors()]  # fmt: skip
        return response(422, "the request is not as the API has it", "input_at_fault", faults)

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> JSONResponse:
        return response(error.status_code, str(error.detail), headers=error.headers)


def openapi(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with errors under their media type, and examples."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags
        )
        for path in made["paths"].values():
            for operation in path.values():
                for status, answer in operation["responses"].items():
                    if int(status) >= 400:
                        schema = {"$ref": "#/components/schemas/Problem"}
                        example = error_example(int(status), TITLES[int(status)])
                        answer["content"] = {MEDIA_TYPE: {"schema": schema, "example": example}}
        add_bodies(made)
        for unused in ("HTTPValidationError", "ValidationError"):
            made["components"]["schemas"].pop(unused, None)
        app.openapi_schema = made
    return app.openapi_schema
