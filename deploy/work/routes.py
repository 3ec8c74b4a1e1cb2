"""Runs of the twin, their key figures and tables, and what-ifs as jobs."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field, StringConstraints

from deploy.app.accounts import Identity
from deploy.app.auth import Who, having
from deploy.app.fields import Number, Taken
from deploy.app.problems import ALWAYS, ProblemError, documented, missing
from deploy.app.roles import Role
from deploy.work.jobs import Jobs
from twin.kpi import score
from twin.run import Run
from twin.scenario import Scenario, shipped
from twin.show import run_rows

router = APIRouter(prefix="/v1/twin", tags=["twin"], responses={**ALWAYS, **documented(409)})
Analyst = Annotated[Identity, having(Role.ANALYST)]
RunName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,120}$", examples=["smoke-s1-0123456789ab"])]
Table = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,60}$", examples=["solar_total"])]
# a path may stand in neither: the services' files are no what-if's to read
SETTING = r"^(solar|carbon|labour|programmes|traffic|horizon_months|start)[a-z_.]*=[^/\\\x00-\x1f]{0,200}$"
Override = Annotated[str, StringConstraints(pattern=SETTING)]
FOLDED = (".xml", ".sumocfg", ".gz", "file")


class RunView(BaseModel):
    """A finished run."""

    run: str
    scenario: str
    seed: int | None
    months: int | None
    finished_utc: str | None
    wall_s: float | None


class Figure(BaseModel):
    """A key figure; `prior`: it stands on somebody's labelled estimate."""

    name: str
    value: float | None
    unit: str
    better: str
    target: float | None
    prior: bool
    programme: str
    met: bool | None


class TableView(BaseModel):
    """Rows of a run's table."""

    columns: list[str]
    rows: list[list[Any]]


class WhatIf(Taken):
    """A shipped scenario with other values."""

    scenario: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,64}$")] = Field(examples=["smoke"])
    overrides: list[Override] = Field([], max_length=20, examples=[["solar.panels=4"]])
    seed: int = Field(1, ge=0, le=2**31)


class JobView(BaseModel):
    """A job; `result` when it is done."""

    id: int
    kind: str
    asked_by: str
    state: str
    progress: float
    note: str
    result: dict[str, Any]
    made_at: datetime
    ended_at: datetime | None


def jobs_of(request: Request) -> Jobs:
    """The app's jobs."""
    found: Jobs = request.app.state.jobs
    return found


def view(job: Any) -> JobView:
    """A job as it is told."""
    return JobView(**{name: getattr(job, name) for name in JobView.model_fields})


def _opened(request: Request, name: str) -> Run:
    path = request.app.state.settings.runs / f"{name}.sqlite"
    if not path.is_file():
        raise missing(f"run {name}")
    return Run.open(path)


@router.get("/scenarios", response_model=list[str])
async def scenarios(who: Who) -> Any:
    """Names of the shipped scenarios."""
    return shipped()


@router.get("/runs", response_model=list[RunView])
def runs(request: Request, who: Who) -> Any:
    """The finished runs."""
    return run_rows(request.app.state.settings.runs)


@router.get("/runs/{run}/kpis", response_model=list[Figure])
def kpis(request: Request, who: Who, run: RunName) -> Any:
    """A run's key figures."""
    with _opened(request, run) as opened:
        return [one.as_json() for one in score(opened)]


@router.get("/runs/{run}/tables/{table}", response_model=TableView)
def table(
    request: Request, who: Who, run: RunName, table: Table, last: Annotated[int, Query(ge=1, le=5000)] = 500
) -> Any:
    """The last rows of a run's table."""
    with _opened(request, run) as opened:
        if not opened.has(table):
            raise missing(f"table {table} in {run}")
        found = opened.table(table).tail(last)
    rows = found.astype(object).where(found.notna(), None).to_numpy().tolist()
    return {"columns": list(found.columns), "rows": rows}


@router.post("/what-ifs", response_model=JobView, status_code=202)
def what_if(request: Request, who: Analyst, wanted: WhatIf) -> Any:
    """Run a scenario with other values, as a job; the same one is found again at once."""
    if wanted.scenario not in shipped():
        raise ProblemError(422, f"scenario {wanted.scenario!r} is none of {', '.join(shipped())}", "input_at_fault")
    if any(word in one for one in wanted.overrides for word in FOLDED):
        raise ProblemError(422, "a what-if takes values, no files", "input_at_fault")
    Scenario.load(wanted.scenario, wanted.overrides)
    arguments = {**wanted.model_dump(), "runs": str(request.app.state.settings.runs)}
    job = jobs_of(request).add("what_if", who.name, arguments)
    request.app.state.audit.note(who.name, "what-if", str(job.id), **wanted.model_dump())
    request.app.state.wake()
    return view(job)


def _own(request: Request, who: Identity, job: int) -> Any:
    found = jobs_of(request).get(job)
    if found.asked_by != who.name and not who.may(Role.ADMIN):
        raise missing(f"job {job}")
    return found


@router.get("/jobs/{job}", response_model=JobView)
def get_job(request: Request, who: Who, job: Number) -> Any:
    """How far an own job is, and what came out."""
    return view(_own(request, who, job))


@router.delete("/jobs/{job}", response_model=JobView)
async def cancel_job(request: Request, who: Who, job: Number) -> Any:
    """Cancel an own job."""
    await asyncio.to_thread(_own, request, who, job)
    return view(await jobs_of(request).cancel(job))
