"""A visit: who is logged in by the cookie, and a token in every form that another site cannot know (CSRF)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.templating import Jinja2Templates
from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from deploy.app.accounts import Identity
from deploy.app.problems import ProblemError
from deploy.app.roles import Role
from twin.errors import FaultsError, TwinError

HERE = Path(__file__).parent
SESSION, VISIT = "session", "visit"
Page = Callable[..., Awaitable[Response]]
pages = Jinja2Templates(HERE / "templates")


def visitor(request: Request) -> Identity | None:
    """Who is logged in; the cookie counts for pages alone, never for the API."""
    token = request.cookies.get(SESSION, "")
    found: Identity | None = request.app.state.accounts.remembered(token) if token else None
    request.state.visitor = found  # for the access log
    return found


def must_be(request: Request, *roles: Role) -> Identity:
    """Who is logged in, with one of these roles. Raises ProblemError 401 or 403."""
    found = visitor(request)
    if found is None:
        raise ProblemError(401, "Silakan masuk dahulu.", "no_session")
    if roles and not found.may(*roles):
        raise ProblemError(403, "Halaman ini bukan untuk peran Anda.", "not_your_role")
    return found


def page(request: Request, name: str, status: int = 200, **values: Any) -> Response:
    """A page, with the visitor and the form's token."""
    visit = request.cookies.get(VISIT) or secrets.token_urlsafe(18)
    values |= {"who": visitor(request), "token": _token(request, visit), "Role": Role}
    made = pages.TemplateResponse(request, name, values, status_code=status)
    set_cookie(request, made, VISIT, visit)
    return made


def set_cookie(request: Request, response: Response, name: str, value: str) -> None:
    """A cookie that scripts do not see and other sites do not send."""
    https = request.app.state.settings.https
    response.set_cookie(name, value, httponly=True, samesite="strict", secure=https, path="/")


async def form_of(request: Request) -> FormData:
    """A form that came from one of our pages. Raises ProblemError 403 for any other."""
    form = await request.form()
    given, visit = form.get("token"), request.cookies.get(VISIT, "")
    ours = _token(request, visit).encode()
    if not visit or not isinstance(given, str) or not hmac.compare_digest(given.encode("utf-8", "replace"), ours):
        raise ProblemError(403, "Formulir ini bukan dari halaman kami, atau sudah kedaluwarsa.", "csrf")
    return form


def text(form: FormData, name: str) -> str:
    """A field's text; empty where it is missing."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def onward(path: str) -> Response:
    """To another page, after something was done."""
    return RedirectResponse(path, 303)


def told(does: Page) -> Page:
    """A page whose errors are told on a page."""

    @wraps(does)
    async def inner(request: Request, **values: Any) -> Response:
        try:
            return await does(request, **values)
        except ProblemError as error:
            return page(request, "error.html", error.status, faults=[error.detail])
        except ValidationError as error:
            faults = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
            return page(request, "error.html", 422, faults=faults)
        except TwinError as error:
            faults = error.faults if isinstance(error, FaultsError) else [str(error)]
            return page(request, "error.html", 422, faults=faults)
        except ValueError as error:
            return page(request, "error.html", 422, faults=[str(error)])

    return inner


def _token(request: Request, visit: str) -> str:
    key = request.app.state.settings.key("forms")
    return hmac.new(key, f"{visit} {request.cookies.get(SESSION, '')}".encode(), hashlib.sha256).hexdigest()
