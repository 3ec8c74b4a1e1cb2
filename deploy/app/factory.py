"""The app: one FastAPI of all services, over one database, one exchange writer and one audit log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles

from deploy.app import problems, routes
from deploy.app.accounts import Accounts
from deploy.app.audit import Audit
from deploy.app.database import Database
from deploy.app.fields import no_unknown_query
from deploy.app.gate import Gate, Limiter, Metrics
from deploy.app.keys import kept
from deploy.app.settings import Settings
from deploy.exchange import routes as exchange
from deploy.exchange.feed import Feed
from deploy.exchange.hours import keep_hours
from deploy.exchange.writer import Writer
from deploy.live import ngsi, sensorthings
from deploy.live.desk import Desk
from deploy.people import employers, jobtren, laras, personnel, persons, questions
from deploy.people.laras import Library
from deploy.people.personnel import PersonnelDesk
from deploy.people.register import keep_matches
from deploy.release.folder import Shelf
from deploy.release.inforce import put_in_force
from deploy.signals import routes as signals
from deploy.signals.monitor import Monitor
from deploy.signals.roll_outs import RollOuts
from deploy.web import employers as employers_pages
from deploy.web import routes as web
from deploy.web import signals as signals_pages
from deploy.web.visit import HERE
from deploy.work import routes as twin_routes
from deploy.work.jobs import Jobs

DESCRIPTION = "Services of Trenggalek Twin. Errors are problem+json (RFC 9457); tokens come from `POST /v1/login`."

ROUTERS = (
    exchange.router, routes.router, routes.operations, persons.router, jobtren.router, employers.router,
    personnel.router, laras.router, twin_routes.router, signals.router, web.router, signals_pages.router,
    employers_pages.router, ngsi.router, sensorthings.router, sensorthings.operations,
)  # fmt: skip


def create_app(settings: Settings) -> FastAPI:
    """The app of these settings. Raises SettingsError where it may not start like this."""
    settings.must_be_safe()
    settings.data.mkdir(parents=True, exist_ok=True)
    app = FastAPI(
        title="Trenggalek Twin services", version=version("trenggalek-twin"), description=DESCRIPTION, docs_url=None,
        redoc_url=None, lifespan=_life, dependencies=[Depends(no_unknown_query)],
    )  # fmt: skip
    state = app.state
    state.settings, state.metrics, state.limiter = settings, Metrics(), Limiter(settings)
    state.database = Database(settings)
    state.accounts = Accounts(settings, state.database)
    state.audit = Audit(settings.data / "audit", kept(settings, "audit"))
    state.pseudonyms = kept(settings, "pseudonyms")
    state.feed = Feed(state.metrics)
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=HERE / "static"))
    app.add_middleware(Gate, settings=settings, accounts=state.accounts, limiter=state.limiter, metrics=state.metrics)
    app.openapi = lambda: problems.openapi(app)  # type: ignore[method-assign]
    return app


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    """Everything open while the app serves; closed so that nothing answered is lost and nothing asked is dropped."""
    state = app.state
    state.database.migrate()
    questions.forget_clear_log(state.settings.data)
    state.accounts.load()
    state.writer = Writer(state.settings.data / "exchange", state.metrics, state.feed.publish)
    state.writer.start()
    loop = asyncio.get_running_loop()
    state.jobs = Jobs(state.database)
    state.jobs.finishers["match"] = partial(_matched, state.database)
    state.wake = lambda: loop.call_soon_threadsafe(state.jobs.wake)
    state.personnel = PersonnelDesk(state.settings, state.database)
    state.library = Library(state.settings, state.database)
    state.jobs.finishers["feed"] = partial(signals.keep_feed, state.settings)
    state.roll_outs = RollOuts(state.settings.data / "signals" / "roll-outs")
    state.live = Desk(state.settings.data / "live", state.metrics)
    state.monitor = Monitor(state.settings) if state.settings.mqtt else None
    state.release = await put_in_force(Shelf(state.settings.data / "releases"), state.writer)
    state.library.release = state.release
    state.jobs.start()
    clock = loop.create_task(keep_hours(state.writer)) if state.settings.exchange_hours == "published" else None
    try:
        yield
    finally:
        if clock is not None:
            clock.cancel()
        state.feed.close()
        await state.jobs.stop()
        await asyncio.to_thread(state.live.close)
        await asyncio.to_thread(state.roll_outs.stop)
        if state.monitor is not None:
            await asyncio.to_thread(state.monitor.close)
        await state.writer.stop()
        state.database.close()


def _matched(database: Database, arguments: Mapping[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    """Keep a match run's pairs in the database; what is told of the job has no people in it."""
    with database.session() as session:
        keep_matches(session, arguments["job"], result.pop("matches"), datetime.now(UTC))
    return result
