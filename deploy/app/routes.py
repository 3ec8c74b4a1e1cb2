"""Accounts, tokens, health, metrics and the audit log."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field, StringConstraints

from deploy.app.accounts import NAME, SHORTEST_PASSWORD, Accounts, Identity
from deploy.app.audit import Audit
from deploy.app.auth import Who, having
from deploy.app.fields import Comment, Taken
from deploy.app.problems import ALWAYS, ProblemError, documented
from deploy.app.roles import Role

router = APIRouter(tags=["accounts"], responses={**ALWAYS, **documented(409)})
operations = APIRouter(tags=["operations"])
Admin = Annotated[Identity, having(Role.ADMIN)]
Name = Annotated[str, StringConstraints(pattern=NAME), Field(examples=["siti"])]
Password = Annotated[
    str, StringConstraints(min_length=SHORTEST_PASSWORD, max_length=200), Field(examples=["kata-sandi-panjang"])
]


class Credentials(Taken):
    """Name and password."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=40)] = Field(examples=["andi"])
    password: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(examples=["kata-sandi-panjang"])


class Token(BaseModel):
    """A bearer token."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in_s: int


class NewAccount(Taken):
    """An account that an admin makes."""

    name: Name
    password: Password
    roles: list[Annotated[Role, Field(strict=False)]] = Field(max_length=20, examples=[["trader"]])
    full_name: Comment = ""
    contact: Comment = ""


class Registration(Taken):
    """An account that somebody makes for themselves: a job seeker's or an employer's."""

    name: Name
    password: Password
    role: Literal["seeker", "employer"]
    full_name: Comment = ""
    contact: Comment = ""


class Roles(Taken):
    """What somebody may do from now on."""

    roles: list[Annotated[Role, Field(strict=False)]] = Field(max_length=20, examples=[["trader"]])
    active: bool = True


class NewPassword(Taken):
    """The old password and another one."""

    old: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(examples=["kata-sandi-lama"])
    new: Password


class AccountView(BaseModel):
    """An account without personal data."""

    name: str
    roles: list[str]
    active: bool = True


class AuditEntry(BaseModel):
    """An entry of the audit log; `sha256` covers the entry and, by `previous_sha256`, all before it."""

    number: int
    at: str
    actor: str
    action: str
    request: str
    detail: dict[str, Any]
    previous_sha256: str
    sha256: str
    signature: str


class Faults(BaseModel):
    """What does not hold; empty where all does."""

    faults: list[str]


def _accounts(request: Request) -> Accounts:
    found: Accounts = request.app.state.accounts
    return found


def _audit(request: Request) -> Audit:
    found: Audit = request.app.state.audit
    return found


def must_be_few(request: Request, name: str) -> None:
    """Raise ProblemError 429 after too many attempts to log in, by name or by address."""
    limiter, address = request.app.state.limiter, request.scope["state"]["address"]
    tries = [limiter.admits("login", f"name {name}"), limiter.admits("login", f"address {address}")]
    if not all(tries):
        raise ProblemError(429, "too many attempts; wait a minute", "too_many", {"retry-after": "60"})


@router.post("/v1/login", response_model=Token)
def log_in(request: Request, given: Credentials) -> Any:
    """Get a token for name and password."""
    must_be_few(request, given.name)
    try:
        token = _accounts(request).log_in(given.name, given.password)
    except ProblemError:
        _audit(request).note("anonymous", "login refused", given.name[:40], address=request.scope["state"]["address"])
        raise
    _audit(request).note(given.name, "login")
    return Token(access_token=token, expires_in_s=int(3600 * request.app.state.settings.token_hours))


@router.post("/v1/logout", status_code=204)
def log_out(request: Request, who: Who) -> Response:
    """End all of one's tokens."""
    if not who.name.startswith("oidc:"):
        _accounts(request).end_tokens(who.name)
    _audit(request).note(who.name, "logout")
    return Response(status_code=204)


@router.post("/v1/register", response_model=AccountView, status_code=201)
def register(request: Request, given: Registration) -> Any:
    """Make an account for oneself, as a job seeker or an employer."""
    must_be_few(request, given.name)
    _accounts(request).make(given.name, given.password, {Role(given.role)}, given.full_name, given.contact)
    _audit(request).note(given.name, "registered", given.role)
    return AccountView(name=given.name, roles=[given.role])


@router.get("/v1/me", response_model=AccountView)
async def me(who: Who) -> Any:
    """Who one is, and what one may do."""
    return AccountView(name=who.name, roles=sorted(who.roles))


@router.post("/v1/me/password", status_code=204)
def change_password(request: Request, who: Who, given: NewPassword) -> Response:
    """Change one's password; all tokens end."""
    must_be_few(request, who.name)
    _accounts(request).change_password(who.name, given.old, given.new)
    _audit(request).note(who.name, "password changed")
    return Response(status_code=204)


@router.get("/v1/accounts", response_model=list[AccountView])
async def list_accounts(request: Request, who: Admin) -> Any:
    """Every account."""
    return _accounts(request).listed()


@router.post("/v1/accounts", response_model=AccountView, status_code=201)
def make_account(request: Request, who: Admin, given: NewAccount) -> Any:
    """Make an account."""
    _accounts(request).make(given.name, given.password, set(given.roles), given.full_name, given.contact)
    _audit(request).note(who.name, "account made", given.name, roles=sorted(given.roles))
    return AccountView(name=given.name, roles=sorted(given.roles))


@router.put("/v1/accounts/{name}/roles", response_model=AccountView)
def set_roles(request: Request, who: Admin, name: Annotated[str, Path(pattern=NAME)], given: Roles) -> Any:
    """Change somebody's roles, or lock the account; their tokens end."""
    _accounts(request).set_roles(name, set(given.roles), given.active)
    _audit(request).note(who.name, "roles set", name, roles=sorted(given.roles), active=given.active)
    return AccountView(name=name, roles=sorted(given.roles), active=given.active)


@router.get("/v1/audit", response_model=list[AuditEntry])
def audit_log(request: Request, who: Admin, last: Annotated[int, Query(ge=1, le=1000)] = 100) -> Any:
    """This month's newest entries of the audit log, newest last."""
    return [vars(entry) for entry in _audit(request).entries(last)]


@router.get("/v1/audit/faults", response_model=Faults)
def audit_faults(request: Request, who: Admin) -> Any:
    """Where the audit log was changed, cut within, or signed by somebody else."""
    return Faults(faults=_audit(request).faults())


@router.get("/.well-known/jwks.json", response_model=dict[str, Any], include_in_schema=False)
async def jwks(request: Request) -> Any:
    """The public keys of our tokens."""
    return _accounts(request).tokens.jwks()


@operations.get("/health", response_model=dict[str, str])
async def health() -> Any:
    """Whether the process lives."""
    return {"status": "alive"}


@operations.get("/ready", response_model=dict[str, str], responses=documented(503))
async def ready(request: Request) -> Any:
    """Whether requests can be served: the database answers, and the exchange can write."""
    if request.app.state.writer.failed:
        raise ProblemError(503, f"the exchange cannot write: {request.app.state.writer.failed}", "disk")
    if not await asyncio.to_thread(request.app.state.database.alive):
        raise ProblemError(503, "the database does not answer", "database")
    return {"status": "ready"}


@operations.get("/metrics", response_class=Response, responses=documented(401, 403, 429))
async def metrics(request: Request, who: Annotated[Identity, having(Role.MONITOR, Role.ADMIN)]) -> Response:
    """What Prometheus reads."""
    return Response(generate_latest(request.app.state.metrics.registry), media_type=CONTENT_TYPE_LATEST)
