"""All roll-outs of the services: one at a time; what a kill left over waits for an engineer's word."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.app.problems import ProblemError, missing
from deploy.release.folder import Release
from deploy.signals.rollout import RollOut, Street, keep, offer_back

UNDER_WAY = ("waits", "running", "going back")
INTERRUPTED, INTERRUPTED_BACK = "interrupted", "interrupted going back"
KILLED = "the services were killed; junctions keep what they have: resume it or abort it"


class RollOuts:
    """Files of a folder, and the roll-out that is under way. A start calls interrupted what is left under way."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.current: RollOut | None = None
        self._lock = threading.Lock()
        for row in self.listed():
            if row["state"] == "going back":
                keep(self._path(row["id"]), {**row, "state": INTERRUPTED_BACK, "why": f"{row['why']}; {KILLED}"})
            elif row["state"] in UNDER_WAY:
                keep(self._path(row["id"]), {**row, "state": INTERRUPTED, "why": KILLED})

    def listed(self) -> list[dict[str, Any]]:
        """All of them, oldest first."""
        return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(self.folder.glob("*.json"))]

    def begin(self, street: Street, release: Release | None, shares: Sequence[float], soak_s: float) -> RollOut:
        """Roll a release out. Raises ProblemError 409 where another is under way or interrupted, or nobody is there."""
        with self._lock:
            if release is None:
                raise ProblemError(409, "no release is in force: `python -m deploy activate RELEASE`", "no_release")
            self._none_under_way()
            for row in self.listed():
                if row["state"] in (INTERRUPTED, INTERRUPTED_BACK):
                    raise ProblemError(409, f"roll-out {row['id']} was interrupted: resume or abort it", "interrupted")
            path = self._path(datetime.now(UTC).strftime("%Y%m%d%H%M%S"))
            if not set(release.bundles()) & set(street.controllers()):
                raise ProblemError(409, "none of the release's junctions has been heard", "nobody")
            return self._started(RollOut(street, release, path, shares=shares, soak_s=soak_s))

    def resume(self, street: Street, release: Release | None, name: str) -> RollOut:
        """Go on with an interrupted one. Raises ProblemError 404, or 409 where that would not be the same roll-out."""
        with self._lock:
            self._none_under_way()
            row = self._row(name)
            if row["state"] == INTERRUPTED_BACK:
                raise ProblemError(409, f"roll-out {name} was going back: abort it", "going_back")
            if row["state"] != INTERRUPTED:
                raise ProblemError(409, f"roll-out {name} is {row['state']}", "not_interrupted")
            if release is None or release.digest != row["release"]:
                raise ProblemError(409, f"the release of roll-out {name} is not in force any more: abort it", "release")
            if silent := _silent(street, row["before"]):
                raise ProblemError(409, f"not heard since the start: {', '.join(silent)}; wait, or abort", "nobody")
            return self._started(RollOut(street, release, self._path(name), left=row))

    def end(self, street: Street, name: str) -> dict[str, Any]:
        """Stop the one under way, or abort an interrupted one: whoever was asked goes back. Raises ProblemError 404."""
        with self._lock:
            if self.current is not None and self.current.path.stem == name and self.current.state == "running":
                self.current.stop()
                return self.current.as_json()
            row = self._row(name)
            if row["state"] not in (INTERRUPTED, INTERRUPTED_BACK):
                raise missing(f"roll-out {name} under way or interrupted")
            silent = _silent(street, row["offered"])
            why = "it was aborted" + (f"; not heard since the start: {', '.join(silent)}" if silent else "")
            row = {**row, "state": "going back", "why": why}
            keep(self._path(name), row)
            offer_back(street, row["before"], row["offered"])
            row = {**row, "state": "fell back"}
            keep(self._path(name), row)
            return row

    def stop(self) -> None:
        """The services end: what is under way goes back."""
        if self.current is not None:
            self.current.stop()

    def _started(self, made: RollOut) -> RollOut:
        self.current = made
        made.start()
        return made

    def _none_under_way(self) -> None:
        if self.current is not None and self.current.state in UNDER_WAY:
            raise ProblemError(409, f"roll-out {self.current.path.stem} is under way", "under_way")

    def _row(self, name: str) -> dict[str, Any]:
        for row in self.listed():
            if row["id"] == name:
                return row
        raise missing(f"roll-out {name}")

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def _silent(street: Street, names: Sequence[str] | dict[str, str]) -> list[str]:
    return sorted(set(names) - set(street.controllers()))
