"""The central monitor's history (an SQLite file in the run schema): controllers as they are now, alarms that hold."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from twin.run import Run

CENTRAL, SERVICES = "TWIN_CENTRAL", "TWIN_SERVICES"  # environment variables: the history's file, the services' address
SILENT_S = 15.0
WAIT_S = 1.0
STATUS = """SELECT time, controller, online, junctions, modes, alarms, bundle FROM status
            WHERE rowid IN (SELECT max(rowid) FROM status GROUP BY controller) ORDER BY controller"""
ALARMS = """SELECT time, controller, kind, "where", repair_h, basis FROM alarm
            WHERE holds = 1 AND rowid IN (SELECT max(rowid) FROM alarm GROUP BY controller, kind, "where")"""


def history() -> Path:
    """Where the central monitor keeps its history: by default where the services keep it."""
    return Path(os.environ.get(CENTRAL) or Path("deploy-data") / "signals" / "history.sqlite")


def controllers(path: Path, now: datetime | None = None) -> list[dict[str, Any]]:
    """What every controller told last. Raises RunError where the file is no history."""
    moment = now or datetime.now(UTC)
    with Run.open(path) as opened:
        rows = opened.connection.execute(STATUS).fetchall()
    found = []
    for time, name, online, junctions, modes, alarms, bundle in rows:
        silent_s = (moment - datetime.fromisoformat(time)).total_seconds()
        found.append({"controller": name, "online": bool(online), "silent_s": max(0.0, silent_s),
                      "junctions": json.loads(junctions), "modes": json.loads(modes), "alarms": json.loads(alarms),
                      "bundle": bundle})  # fmt: skip
    return found


def alarms(path: Path) -> list[dict[str, Any]]:
    """Alarms that hold, with the estimate of their repair."""
    with Run.open(path) as opened:
        rows = opened.connection.execute(ALARMS).fetchall()
    return [dict(zip(("since", "controller", "kind", "where", "repair_h", "basis"), row, strict=True)) for row in rows]


def services() -> dict[str, str]:
    """How the services answer: health and ready; the words of the failure where they do not."""
    base = os.environ.get(SERVICES) or "http://localhost:8350"
    found = {}
    for name in ("health", "ready"):
        try:
            answer = requests.get(f"{base}/{name}", timeout=WAIT_S)
            found[name] = str(answer.json().get("status", answer.status_code)) if answer.ok else str(answer.status_code)
        except (requests.RequestException, ValueError):
            found[name] = "off"
    return found
