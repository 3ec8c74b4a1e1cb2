"""The whole city in one command: a simulated Trenggalek that the twin does not know exactly, followed as a real one is.

The street's lamps are set by real controllers, its feed comes over an embedded broker and a faulty line, and the twin
estimates, forecasts and shows what it makes of that. Nothing of the city but its messages reaches the twin; what the
simulator knows is read by the scores alone.
"""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from controllers.central import MOST_ROWS, TABLES, Central
from controllers.errors import ControllerError
from controllers.io.mqtt import Broker
from controllers.store import Store
from twin.errors import LiveError, MissingExtraError, NetworkError
from twin.hil.broker import LOOPBACK
from twin.hil.processes import ended
from twin.hil.run import Loop, fitting
from twin.live.city import processes
from twin.live.city.estimates import Known, known_of
from twin.live.city.feed import PREFIX, Feed
from twin.live.city.follow import Follower
from twin.live.city.forecasts import forecaster_of
from twin.live.city.kept import Record, tell_now
from twin.live.demo import CONNECTED_S
from twin.live.estimate.roads import RECENT_MIN
from twin.live.line import BEGIN_S
from twin.live.mqtt import asked_to_stop
from twin.live.parameters import parameters_of
from twin.live.store import LiveStore
from twin.module import Row
from twin.recorder import publish
from twin.terminal import tell
from twin.traffic.studies.evaluate import detectors_for, hour

NEEDED_SHARE = 0.6  # of a junction's cameras, with which max-pressure is followed; below the controller falls back
NAME = "city"  # of the live day while it is recorded
TURN_S, LOOK_S = 0.2, 1.0  # of real time: that a message is waited for, and between two looks at the processes
RECENT_LOOKS = 5  # that the speed is told of
PATIENCE_S = {"first": 60.0, "well": 5.0}  # of real time that the street waits for lamps, but not for the dead


@dataclass(frozen=True)
class Asked:
    """The city, as the twin does not know it, and how it is lived; `port` of the page, None for none."""

    network: str
    seed: int
    duration_s: int
    scale: float
    day_type: str
    detectors_percent: float
    speed: float
    folder: Path
    bundle: Path | None = None
    port: int | None = None


def demo(asked: Asked, stays: bool, progress: Callable[..., None] = lambda *_: None) -> dict[str, Any]:
    """Live the city and follow it until its time or ours is over (Ctrl-C); what came of it.

    The day is sealed in any case, and no process is left. With `stays` the page is there until Ctrl-C. Raises
    MissingExtraError, NetworkError, LiveError or BusyError.
    """
    must_have(asked.port is not None)
    tell("what the twin believes of the city (lived once, then kept)")
    known, forecaster = known_of(asked.network), forecaster_of(asked.network)
    LiveStore(asked.folder, name=NAME).close()  # what a killed demo left is sealed
    with contextlib.ExitStack() as stack:
        place = tempfile.TemporaryDirectory(prefix="twin-city-", ignore_cleanup_errors=True)
        folder, stop = Path(stack.enter_context(place)), stack.enter_context(asked_to_stop())
        central = Store(folder / "central.sqlite", TABLES, MOST_ROWS, {"prefix": PREFIX})
        stack.callback(central.close)
        page = _page(asked, folder, stack)
        with contextlib.ExitStack() as living:
            store = living.enter_context(LiveStore(asked.folder, name=NAME))
            record = Record(asked.folder)
            living.callback(record.discard)
            loop = Loop(_bundle(asked, folder), folder, "embedded", PREFIX)
            living.callback(loop.end)
            loop.begin()
            feed = living.enter_context(contextlib.closing(Feed(Broker(LOOPBACK, loop.port))))
            if not feed.ready.wait(CONNECTED_S):
                raise LiveError(f"the embedded broker on port {loop.port} let nobody in for {CONNECTED_S:g} s")
            street = processes.Street(_job(asked, loop, known), folder / "street")
            living.callback(street.end)
            follower = Follower(known, forecaster, store, record, Central(central), street.truth)
            city = City(asked, follower, feed, processes.Kept(loop), street)
            city.follow(stop, progress)
            told = _over(city, loop, store, record)
        if page is not None and stays and not stop.is_set():
            tell("the city's time is over; the page stays until Ctrl-C")
            stop.wait()
    return told


def must_have(a_page: bool) -> None:
    """Raise MissingExtraError with all that is not installed."""
    needed = {"libsumo": "twin", **({"streamlit": "dashboards"} if a_page else {})}
    missing = {extra for name, extra in needed.items() if importlib.util.find_spec(name) is None}
    if missing:
        without = "; or leave the page out with --no-page" if missing == {"dashboards"} else ""
        raise MissingExtraError(
            f"the demo needs what is not installed: pip install 'trenggalek-twin[{','.join(sorted(missing))}]'{without}"
        )


@dataclass
class City:
    """The running city."""

    asked: Asked
    follower: Follower
    feed: Feed
    kept: processes.Kept
    street: processes.Street

    def __post_init__(self) -> None:
        self.paces: deque[tuple[float, float]] = deque(maxlen=RECENT_LOOKS)
        self.deaths: dict[str, int] = {"controller": 0, "broker": 0}
        self._known_up = {"controller": 0, "broker": 0}

    def follow(self, stop: threading.Event, progress: Callable[..., None]) -> None:
        """Take in what comes until the street's hour is over or we are asked to stop."""
        look_s = time.monotonic()
        while not stop.is_set():
            message = self.feed.next(TURN_S)
            if message is not None:
                self.follower.take(*message)
            if time.monotonic() >= look_s:
                look_s = time.monotonic() + LOOK_S
                self.look()
                done_s = int(self.follower.at_s - BEGIN_S)
                progress(done_s, self.asked.duration_s, f"×{self.pace():.0f}")
            if message is None and self.street.over:
                break

    def look(self) -> None:
        """Start again what has died, let the monitor look, and say what is so."""
        at_s, now_s = self.follower.at_s, time.monotonic()
        for name in self.kept.revive(at_s - BEGIN_S):
            self.deaths[name] += 1
            self._known_up[name] = self._ups()[name]
            self._tell_process(name, 0)
        for name in [one for one in self.kept.down if self._ups()[one] > self._known_up[one]]:
            self.kept.down.remove(name)
            self._tell_process(name, 1)
        self.follower.central.look(time.time())
        self.follower.store.settle()
        self.paces.append((now_s, at_s))
        self.say(running=True)

    def _ups(self) -> dict[str, int]:
        """How often each has been heard to come."""
        return {"controller": self.follower.online, "broker": self.feed.connections}

    def _tell_process(self, name: str, up: int) -> None:
        row: Row = {"at_s": self.follower.at_s, "process": name, "up": up}
        self.follower.record.add("live_process", [row])
        tell(f"{clock(self.follower.at_s)} the {name} is {'back' if up else 'dead, and started again'}")

    def pace(self) -> float:
        """Times life, over the last looks."""
        if len(self.paces) < 2:
            return 0.0
        (from_s, from_at), (until_s, until_at) = self.paces[0], self.paces[-1]
        return (until_at - from_at) / (until_s - from_s)

    def say(self, running: bool) -> None:
        """Write this second's state."""
        state = {**self.follower.state(), "running": running, "down": sorted(self.kept.down), "pace": self.pace()}
        tell_now(self.asked.folder, {**state, "speed": self.asked.speed, "ends_s": BEGIN_S + self.asked.duration_s})


def clock(at_s: float) -> str:
    """The time of day in Trenggalek."""
    return time.strftime("%H:%M:%S", time.gmtime(at_s + 7 * 3600))


def _over(city: City, loop: Loop, store: LiveStore, record: Record) -> dict[str, Any]:
    """End the city, seal its day and what was made of it; the summary."""
    over = city.street.told.get("over") is True
    city.street.end()
    loop.end()
    city.feed.close()
    store.close()
    city.say(running=False)
    told = {"ended": "over" if over else "stopped", **city.follower.summary(), "deaths": city.deaths}
    told |= {"lamp_violations": city.street.told.get("violations"), "dropped": city.feed.dropped}
    if not store.sealed:
        record.discard()
        return {"run": None, **told}
    day = store.sealed[-1]
    facts = {name: value for name, value in asdict(city.asked).items() if name not in ("folder", "bundle", "port")}
    record.write(city.follower.at_s)
    estimates = record.finish(day, {"asked": facts, "summary": told})
    log = day.with_name(day.name.replace("live-", "controller-", 1))
    beside = log.with_name(f".{log.name}.partial")
    shutil.copyfile(loop.log, beside)
    publish(beside, log)
    return {"run": str(day), "estimates": str(estimates), "controller_log": str(log), **told}


def _bundle(asked: Asked, folder: Path) -> Path:
    """The controllers' bundle: the one that is asked for, or max-pressure as it is tuned for the network."""
    if asked.bundle is None:
        from twin.hil.rules import rule_bundle

        return rule_bundle(folder / "bundle", asked.network, needed_share=NEEDED_SHARE).folder.absolute()
    try:
        return fitting(asked.bundle, asked.network).folder.absolute()
    except ControllerError as error:
        raise NetworkError(str(error)) from error


def _job(asked: Asked, loop: Loop, known: Known) -> dict[str, Any]:
    """The street's hour: other demand and worse cameras than the twin believes."""
    p = parameters_of("estimate")
    worse = {"loops": True, "dead_percent": 100 - asked.detectors_percent}
    worse |= {name: p[f"city_{name}"] for name in ("miss_percent", "ghost_veh")}
    one = hour(
        asked.network, "max_pressure", {}, asked.seed, day_type=asked.day_type, scale=asked.scale,
        detectors=detectors_for(asked.network).model_copy(update=worse), duration_s=asked.duration_s,
    )  # fmt: skip
    tick_s = 1 / asked.speed if asked.speed > 0 else 0.0
    return {
        **one.as_json(), "seed": asked.seed, "port": loop.port, "prefix": PREFIX, "boot": f"city-{asked.seed}",
        "speed": asked.speed, "faults": [], "step_s": known.step_s, "recent_min": RECENT_MIN,
        "patience_s": {**PATIENCE_S, "fault": max(0.02, tick_s / 2)},
    }  # fmt: skip


def _page(asked: Asked, folder: Path, stack: contextlib.ExitStack) -> subprocess.Popen[bytes] | None:
    """The page, which ends with the stack; says where it is as soon as it answers."""
    if asked.port is None:
        return None
    port = processes.free_port(asked.port)
    page = processes.page(asked.folder, folder / "central.sqlite", port)
    stack.callback(ended, page, signal.SIGTERM)
    threading.Thread(target=_say_where, args=(page, port), daemon=True).start()
    return page


def _say_where(page: subprocess.Popen[bytes], port: int) -> None:
    at = f"http://localhost:{port}"
    for _ in _tries(page):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{at}/_stcore/health", timeout=1):  # noqa: S310
            tell(f"the page: {at}/operations (Bahasa Indonesia), {at}/operations?lang=English; Ctrl-C ends all")
            return
    tell("the page did not start; `python -m twin dashboard` says why; the city goes on")


def _tries(page: subprocess.Popen[bytes]) -> Iterator[None]:
    until_s = time.monotonic() + 60.0
    while page.poll() is None and time.monotonic() < until_s:
        yield
        time.sleep(0.5)
