"""A release rolled out to junctions in stages: a canary first, then more; where one fails, all of them go back.

A stage is done when every junction of it runs the new bundle under its policy, without an alarm, for the soak. A bundle
that is refused, that falls back, or that an alarm or another mode shows to be unfit ends the roll-out, and whoever got
it is offered the bundle it had before, which its updater still has.

Whom it asks is written down before they are asked. Where the services are killed, the next start finds what is left
and calls it interrupted; nothing goes on until an engineer resumes it, or aborts it. A junction that runs the new
bundle is not asked again, and the stage's soak begins anew for all that got it: nobody watched them meanwhile.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from controllers.updater import offer
from deploy.release.folder import Release
from twin.files import write_whole

LOOK_S = 0.2
WORSE = ("conflict", "flashing", "lamp failure", "policy failed", "policy late")


class Street(Protocol):
    """Whoever reaches the controllers."""

    def publish(self, controller: str, topic: str, payload: bytes) -> None:
        """Send something to a controller."""

    def controllers(self) -> dict[str, dict[str, Any]]:
        """What every controller told last."""


def stages_of(controllers: Sequence[str], shares: Sequence[float]) -> list[list[str]]:
    """Who is next: one canary, then up to each share of all, then the rest."""
    ends = sorted({1, *(max(1, round(share * len(controllers))) for share in shares), len(controllers)})
    return [list(controllers[a:b]) for a, b in zip([0, *ends[:-1]], ends, strict=True) if b > a]


def keep(path: Path, row: Mapping[str, Any]) -> None:
    """Write a roll-out's file, with the time."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    write_whole(path, json.dumps({**row, "at": now}, indent=1))


def offer_back(street: Street, before: Mapping[str, str], offered: Sequence[str]) -> None:
    """Offer the bundle before to whoever was asked to change; one that has it says so and goes on."""
    for name in offered:
        if before[name]:
            for topic, payload in offer(None, before[name]):
                street.publish(name, topic, payload)


class RollOut:
    """One roll-out; its state is a file that is whole at every moment. `left` is such a file, to go on from."""

    def __init__(
        self, street: Street, release: Release, path: Path, *, shares: Sequence[float] = (0.25,), soak_s: float = 60.0,
        answer_s: float = 120.0, left: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.street, self.release, self.path, self.soak_s, self.answer_s = street, release, path, soak_s, answer_s
        self.state, self.why = "waits", ""
        there = street.controllers()
        if left is None:
            self.before = {name: there[name]["bundle"] for name in release.bundles() if name in there}
            self.stages = stages_of(sorted(self.before), shares)
            self.stage, self.offered = 0, list[str]()
        else:
            self.before, self.stages, self.stage = dict(left["before"]), left["stages"], left["stage"]
            self.offered, self.soak_s = list(left["offered"]), left["soak_s"]
        self.bundles = {name: release.folder / "policies" / name for name in self.before}
        self.digests = {name: json.loads((folder / "manifest.json").read_bytes())["digest"]
                        for name, folder in self.bundles.items()}  # fmt: skip
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.run, daemon=True)
        self._note()

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """End it where it is: whoever got the new bundle goes back."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def run(self) -> None:
        """All stages that are left, or back."""
        self.state = "running"
        unwatched = list(self.offered)
        for stage in range(self.stage, len(self.stages)):
            self.stage = stage
            self._note()
            for name in self.stages[stage]:
                self._ask(name)
            if why := self._unfit(sorted({*self.stages[stage], *unwatched})):
                self._back(why)
                return
            unwatched = []
        self.state = "done"
        self._note()

    def _ask(self, name: str) -> None:
        if name not in self.offered:
            self.offered.append(name)
            self._note()
        if self.street.controllers()[name]["installed"].get("digest") != self.digests[name]:
            for topic, payload in offer(self.bundles[name], self.digests[name]):
                self.street.publish(name, topic, payload)

    def _unfit(self, names: Sequence[str]) -> str:
        """Why a stage fails; empty where it holds out."""
        until_s, good_since_s = time.monotonic() + self.answer_s, None
        while not self._stop.wait(LOOK_S):
            told = self.street.controllers()
            for name in names:
                if why := self._complaint(name, told[name]):
                    return why
            now_s = time.monotonic()
            if all(self._settled(name, told[name]) for name in names):
                good_since_s = good_since_s or now_s
                if now_s - good_since_s >= self.soak_s:
                    return ""
            else:
                good_since_s = None
                if now_s > until_s:
                    late = [name for name in names if not self._settled(name, told[name])]
                    return f"{', '.join(late)}: not in charge within {self.answer_s:.0f} s"
        return "it was stopped"

    def _complaint(self, name: str, told: dict[str, Any]) -> str:
        installed = told["installed"]
        if installed.get("wanted") == self.digests[name] and installed.get("state") in ("refused", "fell_back"):
            return f"{name}: {installed['state']}: {installed.get('why', '')}"
        if told["bundle"] == self.digests[name]:
            worse = [one for one in told["alarms"] if one.startswith(WORSE)]
            if worse:
                return f"{name}: {', '.join(worse)}"
        return ""

    def _settled(self, name: str, told: dict[str, Any]) -> bool:
        ours = told["bundle"] == self.digests[name] == told["installed"].get("digest")
        return bool(ours and told["online"] and told["modes"] and all(mode == "policy" for mode in told["modes"]))

    def _back(self, why: str) -> None:
        self.state, self.why = "going back", why
        self._note()
        offer_back(self.street, self.before, self.offered)
        self.state = "fell back"
        self._note()

    def as_json(self) -> dict[str, Any]:
        """As it stands."""
        return {"id": self.path.stem, "release": self.release.digest, "state": self.state, "why": self.why,
                "stage": self.stage, "stages": self.stages, "before": self.before, "offered": self.offered,
                "soak_s": self.soak_s}  # fmt: skip

    def _note(self) -> None:
        keep(self.path, self.as_json())
