"""Who asks, and whether they may: dependencies of routes. The API takes bearer tokens alone; forms have a cookie."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPBearer

from deploy.app.accounts import Identity
from deploy.app.problems import ProblemError
from deploy.app.roles import Role

_scheme = HTTPBearer(auto_error=False, description="a token of `POST /v1/login`, or of the configured OIDC issuer")
CHALLENGE = {"www-authenticate": "Bearer"}


async def _who(request: Request, _: Annotated[Any, Security(_scheme)]) -> Identity:
    identity: Identity | None = request.scope["state"]["identity"]
    if identity is None:
        raise ProblemError(401, "a valid token is needed: Authorization: Bearer …", "no_token", CHALLENGE)
    return identity


Who = Annotated[Identity, Depends(_who)]


def having(*roles: Role) -> Any:
    """A dependency: whoever asks has one of these roles. Raises ProblemError 401 or 403."""

    async def check(identity: Who) -> Identity:
        if not identity.may(*roles):
            raise ProblemError(403, f"this is for {', '.join(roles)}", "not_your_role")
        return identity

    return Depends(check)


_KEY = Header(
    alias="Idempotency-Key", min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_-]+$",
    description="your own name for this request: sent again under it, nothing is done twice",
    examples=["3f1c9a52-order-1"],
)  # fmt: skip
IdempotencyKey = Annotated[str, _KEY]
OptionalKey = Annotated[str, _KEY]  # with a default; a header has no null
