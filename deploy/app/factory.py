"""The app: one FastAPI of all services, over one database, one exchange writer and one audit log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from deploy.app import problems, routes
from deploy.app.accounts import Accounts
from deploy.app.audit import Audit
from deploy.app.database import Database
from deploy.app.gate import Gate, Limiter, Metrics
from deploy.app.settings import Settings
from deploy.exchange import routes as exchange
from deploy.exchange.feed import Feed
from deploy.exchange.writer import Writer
from deploy.release.folder import Shelf
from deploy.release.inforce import put_in_force

DESCRIPTION = "Services of Trenggalek Twin. Errors are problem+json (RFC 9457); tokens come from `POST /v1/login`."


def create_app(settings: Settings) -> FastAPI:
    """The app of these settings. Raises SettingsError where it may not start like this."""
    settings.must_be_safe()
    settings.data.mkdir(parents=True, exist_ok=True)
    app = FastAPI(
        title="Trenggalek Twin services", version=version("trenggalek-twin"), description=DESCRIPTION, docs_url=None,
        redoc_url=None, lifespan=_life,
    )  # fmt: skip
    state = app.state
    state.settings, state.metrics, state.limiter = settings, Metrics(), Limiter(settings)
    state.database = Database(settings)
    state.accounts = Accounts(settings, state.database)
    state.audit = Audit(settings.data / "audit", settings.key("audit"))
    state.feed = Feed(state.metrics)
    problems.install(app)
    for router in (exchange.router, routes.router, routes.operations):
        app.include_router(router)
    app.add_middleware(Gate, settings=settings, accounts=state.accounts, limiter=state.limiter, metrics=state.metrics)
    app.openapi = lambda: problems.openapi(app)  # type: ignore[method-assign]
    return app


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    """Everything open while the app serves; closed so that nothing answered is lost and nothing asked is dropped."""
    state = app.state
    state.database.migrate()
    state.accounts.load()
    state.writer = Writer(state.settings.data / "exchange", state.metrics, state.feed.publish)
    state.writer.start()
    state.release = await put_in_force(Shelf(state.settings.data / "releases"), state.writer)
    try:
        yield
    finally:
        state.feed.close()
        await state.writer.stop()
        state.database.close()
