"""A candidate in the shadow of who is in charge: of a simulated city's street, or of a cabinet's log.

Every decision of both, every draw of the twin's belief and the verdict are rows of a run, which `replay` checks: the
candidate answers again, and the verdict is worked out again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from controllers.bundle import load
from controllers.errors import ControllerError
from controllers.log import decisions
from controllers.policy import readings_of
from twin.errors import ShadowError
from twin.live.demo import BEGIN_S
from twin.live.shadow.counterfactual import FEATURES, LEAST_DRAWS, Draw, belief, estimate, looked_at
from twin.live.shadow.policies import Policy, policies_of
from twin.live.shadow.street import deciding, lived, means
from twin.live.shadow.study import BELIEVED_SEED, city_window, twin_windows
from twin.live.store import day_of
from twin.module import Row, read_tables
from twin.provenance import code_digest, provenance
from twin.recorder import Recorder
from twin.run import Run
from twin.traffic.networks.locate import locate
from twin.traffic.signals.plans import Signals, signals_of
from twin.traffic.studies.evaluate import detectors_for

TABLES = read_tables(Path(__file__).parent / "tables.csv")
LEAST_S, MOST_S = 60, 3600
Seen = dict[str, list[float | None]]


def shadow(
    network: str, in_charge: str, candidate: str, seed: int, duration_s: int, scale: float, takes_over_s: int,
    draws: int, log: Path | None, folder: Path, progress: Callable[..., None] = lambda *_: None,
) -> tuple[Path, dict[str, Any]]:  # fmt: skip
    """The run that was written, and its verdict as a row.

    With `log` what a controller of this network saw and wanted is taken from there; else a simulated city is lived.
    Raises ShadowError or NetworkError.
    """
    if draws < LEAST_DRAWS:
        raise ShadowError("--draws", [f"{draws} are too few; take {LEAST_DRAWS} or more"])
    if takes_over_s >= duration_s:
        raise ShadowError("--takes-over-s", [f"{takes_over_s} is not before the end of the window ({duration_s} s)"])
    own, other = policies_of([in_charge, candidate], network)
    if log is not None:
        rows, seen, duration_s = _of_log(log, other, signals_for(network))
    else:
        [told] = lived([city_window(network, own, seed, duration_s, scale, other)])
        rows, seen = told["rows"], told["seen"]
    held = belief(network, draws, BELIEVED_SEED + seed)
    arms = [twin_windows(network, own, held, duration_s), _arm(network, own, other, held, duration_s, takes_over_s)]
    answers = lived([*arms[0], *arms[1]], progress)
    tables = judged(own, other, held, answers, rows, seen, float(duration_s))
    asked = {
        "network": network, "in_charge": own.told, "candidate": other.told, "seed": seed, "scale": scale,
        "takes_over_s": takes_over_s, "log": str(log) if log else None,
    }  # fmt: skip
    return written(folder, tables, asked), dict(tables["shadow_verdict"][0])


def judged(
    own: Policy, other: Policy, held: Sequence[Draw], answers: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]], seen: Seen, duration_s: float, heard_percent: float = 100.0,
) -> dict[str, list[Row]]:  # fmt: skip
    """A window's tables: decisions, draws and verdict. `answers` are the draws' windows: all under `own`, then all
    under `other`. What was not heard of the street widens the interval."""
    x, delay_s, at = looked_at([seen], answers[: len(held)], answers[len(held) :])
    found = estimate(x, delay_s, at).heard(heard_percent)
    same = [row["wanted"] == row["proposed"] for row in rows if row["wanted"] is not None]
    verdict: Row = {
        "in_charge": own.name, "candidate": other.name, **_logs(at[0]), "verdict": found.verdict, **vars(found),
        "same_percent": 100 * float(np.mean(same)) if same else None, "heard_percent": heard_percent,
        "duration_s": duration_s,
    }  # fmt: skip
    return {
        "shadow_decision": [_decision(one) for one in rows],
        "shadow_draw": [_draw(*one) for one in zip(held, x.tolist(), delay_s.tolist(), strict=True)],
        "shadow_verdict": [verdict],
    }


def _arm(
    network: str, own: Policy, other: Policy, held: Sequence[Draw], duration_s: int, takes_over_s: int
) -> list[Any]:
    if takes_over_s == 0:
        return twin_windows(network, other, held, duration_s)
    return twin_windows(network, own, held, duration_s, other, float(takes_over_s))


def signals_for(network: str) -> Signals:
    """A network's signals as its cameras see them."""
    return signals_of(locate(network).net_file, detectors_for(network).camera_range_m)


def _of_log(log: Path, candidate: Policy, signals: Signals) -> tuple[list[dict[str, Any]], Seen, int]:
    """Decisions of a controller's log with the candidate's beside them, what was seen by zone, and for how long [s]."""
    try:
        told = _due(decisions(log), candidate.decision_s)
    except ControllerError as error:
        raise ShadowError("--log", [str(error)]) from error
    if not told:
        raise ShadowError(str(log), ["has no decision"])
    zones, faults = len(signals.zones), []
    for i, one in enumerate(told, 1):
        if len(one["readings"]["vehicles"]) != zones or len(one["readings"]["phase"]) != len(signals.plans):
            faults.append(
                f"decision {i}: has other zones or junctions than the network ({zones}, {len(signals.plans)})"
            )
    if faults:
        raise ShadowError(str(log), faults[:10])
    begins_s, ends_s = (told[i]["readings"]["time_s"] for i in (0, -1))
    duration_s = round(ends_s - begins_s)
    if not LEAST_S <= duration_s <= MOST_S or any(one["first"] for one in told[1:]):
        raise ShadowError(str(log), [f"must be one stretch of {LEAST_S} … {MOST_S} s without a restart"])
    readings = [readings_of(one["readings"]) for one in told]
    proposed = answered(candidate.told, signals, [one["readings"] for one in told])
    rows = [
        {
            "at_s": one["readings"]["time_s"], "first": one["first"], "readings": one["readings"],
            "wanted": one["answer"], "proposed": mine, "wanted_next": None, "proposed_next": None,
        }
        for one, mine in zip(told, proposed, strict=True)
    ]  # fmt: skip
    seen: Seen = {}
    for name in ("vehicles", "halting"):
        seen[name] = means(np.array([getattr(one, name) for one, _ in readings]))
    return rows, seen, duration_s


def _due(told: Sequence[dict[str, Any]], every_s: float) -> list[dict[str, Any]]:
    """Decisions at which a candidate that decides every so often is asked: who is in charge may decide more often."""
    found: list[dict[str, Any]] = []
    for one in told:
        if not found or one["first"] or one["readings"]["time_s"] >= found[-1]["readings"]["time_s"] + every_s - 1e-9:
            found.append(one)
    return found


def answered(policy: Mapping[str, Any], signals: Signals, readings: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """What a policy wants at each of these readings (JSON data), in their order."""
    decide = deciding(policy, signals)
    return [decide(*readings_of(one)).tolist() for one in readings]


def _decision(row: Mapping[str, Any]) -> Row:
    texts = ("readings", "wanted", "proposed", "wanted_next", "proposed_next")
    told = {name: "" if row[name] is None else json.dumps(row[name]) for name in texts}
    return {"at_s": float(row["at_s"]), "first": row.get("first", 0), **told}


def _draw(draw: Draw, x: Sequence[float], delay_s: Sequence[float]) -> Row:
    return {
        "seed": draw.seed, "scale": draw.scale, "motorcycle_share": draw.motorcycle_share,
        "drivers": draw.drivers, "miss_percent": draw.detectors.miss_percent, **_logs(x),
        "in_charge_delay_s": delay_s[0], "candidate_delay_s": delay_s[1],
    }  # fmt: skip


def month_of_demo() -> str:
    """The month that a simulated city lives in."""
    return f"{day_of(BEGIN_S):%Y-%m}"


def _logs(x: Sequence[float]) -> dict[str, float | None]:
    """Features by name; a cabinet's log has no loops."""
    return {f"log_{name}": float(x[i]) if i < len(x) else None for i, name in enumerate(FEATURES)}


def written(folder: Path, tables: Mapping[str, Sequence[Row]], asked: Mapping[str, Any], at_s: float = BEGIN_S) -> Path:
    """A window that began then [s UTC] as a run of its own for every question that was asked."""
    told = json.dumps([asked, len(tables["shadow_draw"]), code_digest()], sort_keys=True)
    name = f"shadow-{hashlib.sha256(told.encode()).hexdigest()[:12]}"
    partial = folder / f".{name}.partial"
    partial.unlink(missing_ok=True)
    recorder = Recorder(partial, TABLES)
    recorder.append([(f"{day_of(at_s):%Y-%m}", {"shadow": tables})], {})
    recorder.finish({**provenance(), "shadow": asked}, folder / f"{name}.sqlite")
    return folder / f"{name}.sqlite"


def replay(run: Run) -> tuple[bool, str | None]:
    """Ask the candidate again on every row and work the verdict out again: whether all is the same, else what is not.

    Raises ShadowError where its bundle is not there any more, or another one.
    """
    asked = run.provenance["shadow"]
    signals = signals_for(asked["network"])
    rows = run.table("shadow_decision")
    readings = [json.loads(one) for one in rows["readings"]]
    _same_bundle(run, asked["candidate"])
    again = answered(asked["candidate"], signals, readings)
    for i, (mine, told) in enumerate(zip(again, rows["proposed"], strict=True), 1):
        if json.dumps(mine) != told:
            return False, f"decision {i}: proposed {told}, now {json.dumps(mine)}"
    draws, verdict = run.table("shadow_draw"), run.table("shadow_verdict").iloc[0]
    features = [name for name in (f"log_{one}" for one in FEATURES) if pd.notna(verdict[name])]
    found = estimate(
        draws[features].to_numpy(dtype=float), draws[["in_charge_delay_s", "candidate_delay_s"]].to_numpy(),
        verdict[features].to_numpy(dtype=float)[None],
    ).heard(verdict.get("heard_percent", 100.0))  # fmt: skip
    if not np.allclose([found.mean_s, found.sd_s], [verdict["mean_s"], verdict["sd_s"]], rtol=1e-9, atol=1e-12):
        return False, f"verdict: {verdict['mean_s']:g} ± {verdict['sd_s']:g} s, now {found.mean_s:g} ± {found.sd_s:g} s"
    damaged = run.damaged()
    return not damaged, f"changed after it was sealed: {', '.join(damaged)}" if damaged else None


def _same_bundle(run: Run, candidate: Mapping[str, Any]) -> None:
    if not candidate["bundle"]:
        return
    try:
        digest = load(Path(candidate["bundle"])).digest
    except ControllerError as error:
        raise ShadowError(str(run.path), [f"its candidate: {error}"]) from error
    if digest != candidate["digest"]:
        raise ShadowError(str(run.path), [f"{candidate['bundle']} is another bundle than the candidate was"])
