"""The signals' API: controllers and alarms, the public traffic feed, roll-outs."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from deploy.app.accounts import Identity
from deploy.app.auth import having
from deploy.app.fields import Taken, one_of
from deploy.app.problems import ALWAYS, ProblemError, documented, missing
from deploy.app.roles import Role
from deploy.signals.monitor import Monitor
from deploy.work.routes import JobView, jobs_of, view
from twin.files import write_whole

router = APIRouter(tags=["signals"], responses={**ALWAYS, **documented(409)})
Signals = Annotated[Identity, having(Role.SIGNALS)]
NETWORKS = ("trenggalek", "cologne1", "cologne3", "cologne8", "ingolstadt1", "ingolstadt7", "ingolstadt21", "grid4x4",
            "arterial4x4")  # fmt: skip
Network = Annotated[str, *one_of(NETWORKS)]
RollOutId = Annotated[str, Path(pattern=r"^[0-9]{14}$", examples=["20260105080000"])]


class ControllerView(BaseModel):
    """What a controller told last; `installed` is its updater's word."""

    controller: str
    online: bool
    silent_s: float
    junctions: list[str]
    modes: list[str]
    alarms: list[str]
    bundle: str
    installed: dict[str, Any]


class AlarmView(BaseModel):
    """An alarm that holds, and how long its repair will take."""

    controller: str
    kind: str
    where: str
    since: str
    repair_h: float
    basis: str


class NewRollOut(Taken):
    """How a release in force goes to its junctions."""

    shares: list[Annotated[float, Field(gt=0, lt=1)]] = Field([0.25], max_length=10, description="after the canary")
    soak_s: float = Field(60.0, ge=1, le=86_400, description="how long a stage must hold out [s]")


class RollOutView(BaseModel):
    """A roll-out as it stands; `offered` are the junctions that were asked to change."""

    id: str
    release: str
    state: Literal[
        "waits", "running", "going back", "done", "fell back", "interrupted", "interrupted going back",
    ]  # fmt: skip
    why: str
    stage: int
    stages: list[list[str]]
    before: dict[str, str]
    offered: list[str]
    soak_s: float


class Feed(BaseModel):
    """The public feed of a network."""

    network: str
    source: str
    made_at: str
    roads: list[dict[str, Any]]


class NewFeed(Taken):
    """Which network's feed is computed anew."""

    network: Network = Field(examples=["cologne1"])


def monitor_of(request: Request) -> Monitor:
    """The app's monitor. Raises ProblemError where signals are off."""
    found: Monitor | None = request.app.state.monitor
    if found is None:
        raise ProblemError(503, "signals are off: TWIN_DEPLOY_MQTT names no broker", "off")
    return found


@router.get("/v1/signals/controllers", response_model=list[ControllerView])
def controllers(request: Request, who: Signals) -> Any:
    """Every controller that was ever heard."""
    return [{"controller": name, **told} for name, told in monitor_of(request).controllers().items()]


@router.get("/v1/signals/alarms", response_model=list[AlarmView])
def alarms(request: Request, who: Signals) -> Any:
    """Alarms that hold."""
    return monitor_of(request).alarms()


@router.post("/v1/signals/roll-outs", response_model=RollOutView, status_code=202)
def roll_out(request: Request, who: Signals, wanted: NewRollOut) -> Any:
    """Roll the release in force out to its junctions: a canary, then more, and back where one fails."""
    state = request.app.state
    made = state.roll_outs.begin(monitor_of(request), state.release, wanted.shares, wanted.soak_s)
    state.audit.note(who.name, "roll-out", made.path.stem, release=state.release.digest, junctions=sorted(made.bundles))
    return made.as_json()


@router.get("/v1/signals/roll-outs", response_model=list[RollOutView])
def roll_outs(request: Request, who: Signals) -> Any:
    """All roll-outs, oldest first."""
    return request.app.state.roll_outs.listed()


@router.post("/v1/signals/roll-outs/{roll_out}/resume", response_model=RollOutView, status_code=202)
def resume_roll_out(request: Request, who: Signals, roll_out: RollOutId) -> Any:
    """Go on with a roll-out that ended with the services' being killed; nobody who has the bundle is asked again."""
    state = request.app.state
    made = state.roll_outs.resume(monitor_of(request), state.release, roll_out)
    state.audit.note(who.name, "roll-out resumed", roll_out)
    return made.as_json()


@router.delete("/v1/signals/roll-outs/{roll_out}", response_model=RollOutView)
def stop_roll_out(request: Request, who: Signals, roll_out: RollOutId) -> Any:
    """Stop the roll-out that is under way, or abort one that was interrupted; whoever was asked goes back."""
    ended = request.app.state.roll_outs.end(monitor_of(request), roll_out)
    request.app.state.audit.note(who.name, "roll-out stopped", roll_out)
    return ended


@router.post("/v1/signals/feed", response_model=JobView, status_code=202)
def make_feed(request: Request, who: Signals, wanted: NewFeed) -> Any:
    """Compute a network's public feed anew, as a job."""
    job = jobs_of(request).add("feed", who.name, {"network": wanted.network})
    request.app.state.wake()
    return view(job)


@router.get("/v1/public/traffic/{network}", response_model=Feed)
def public_feed(request: Request, network: Annotated[str, Path(pattern=r"^[a-z0-9]{1,40}$")]) -> Any:
    """Travel times and congestion, now and in the next hour; public. It is the twin's day, and says so."""
    path = request.app.state.settings.data / "signals" / "feed" / f"{network}.json"
    if not path.is_file():
        raise missing(f"feed of {network}")
    return json.loads(path.read_text(encoding="utf-8"))


def keep_feed(settings: Any, arguments: Any, result: dict[str, Any]) -> dict[str, Any]:
    """Keep a computed feed as what the public gets."""
    kept = {"network": arguments["network"], "source": "twin: a simulated day, no street's detectors", **result}
    write_whole(settings.data / "signals" / "feed" / f"{arguments['network']}.json", json.dumps(kept))
    return {"network": arguments["network"], "roads": len(result["roads"])}
