"""How far a shadow's verdict can be trusted: pairs of policies, in a simulated city that the twin does not know well.

The city has other demand, other drivers (the Intelligent Driver Model, which is none that the twin holds possible) and
worse cameras than the twin believes. Both policies of a pair really live its windows: what would have happened is
known.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from twin.compare import interval
from twin.live.estimate.study import parameters as city_parameters
from twin.live.shadow import counterfactual as c
from twin.live.shadow.policies import Policy, policies_of
from twin.live.shadow.street import Window, lived, window
from twin.traffic.demand.calibration import BLOCKER, BLOCKER_S
from twin.traffic.networks.locate import locate
from twin.traffic.simulation.detectors import DetectorOptions
from twin.traffic.studies.evaluate import detectors_for

POOL = (
    "max_pressure:min_green_s=5", "max_pressure:min_green_s=10", "max_pressure:min_green_s=20,switch_bonus_veh=2",
    "webster", "webster:cycle_factor=0.6", "webster:cycle_factor=1.6", "sotl:threshold_veh_s=20",
    "sotl:threshold_veh_s=120",
)  # fmt: skip
CITY_DRIVERS = "IDM"  # none of those that the twin holds possible
BELIEVED_SEED = 5001  # the twin's draws have other vehicles than any city
Lived = list[dict[str, Any]]


def city_detectors(network: str) -> DetectorOptions:
    """The cameras of the simulated city: worse than the twin believes."""
    p = city_parameters()
    return detectors_for(network).model_copy(
        update={
            "miss_percent": p["city_miss_percent"], "dropout_percent": p["city_dropout_percent"],
            "ghost_veh": p["city_ghost_veh"],
        }
    )  # fmt: skip


def drivers(network: str, model: str) -> tuple[str, ...]:
    """SUMO's words for how whoever has no model of their own follows.

    Nobody blocks a junction for good: such a lock is SUMO's, no policy's, and outweighs all else.
    """
    own = () if BLOCKER in locate(network).options else (BLOCKER, BLOCKER_S)
    return ("--default.carfollowmodel", model, *own)


def city_window(
    network: str, policy: Policy, seed: int, duration_s: int, scale: float, candidate: Policy | None = None,
    takes_over_s: float | None = None,
) -> Window:  # fmt: skip
    """A window of the simulated city."""
    share, cameras = c.parameters()["city_motorcycle_share"], city_detectors(network)
    told = candidate.told if candidate is not None else None
    return window(
        network,
        policy.told,
        seed,
        duration_s,
        scale,
        share,
        cameras,
        told,
        takes_over_s,
        options=drivers(network, CITY_DRIVERS),
    )


def twin_windows(
    network: str, policy: Policy, draws: Sequence[c.Draw], duration_s: int, candidate: Policy | None = None,
    takes_over_s: float | None = None,
) -> list[Window]:  # fmt: skip
    """A policy's window in every draw of the twin's belief; a candidate takes over on the way."""
    told = candidate.told if candidate is not None else None
    return [
        window(
            network, policy.told, one.seed, duration_s, one.scale, one.motorcycle_share, one.detectors, told,
            takes_over_s, options=drivers(network, one.drivers),
        )
        for one in draws
    ]  # fmt: skip


def pairs_of(pool: Sequence[Policy], pairs: int, seed: int) -> list[tuple[Policy, Policy]]:
    """Pairs of different policies, who is in charge first, drawn without repetition: at most all there are."""
    rng = np.random.default_rng([seed, 17])
    every = list(itertools.combinations(pool, 2))
    chosen = [every[i] for i in rng.permutation(len(every))[:pairs]]
    return [(b, a) if rng.random() < 0.5 else (a, b) for a, b in chosen]


def study(
    network: str, pairs: int, windows: int, draws: int, duration_s: int, scale: float, seed: int,
    more: Sequence[str] = (), progress: Callable[..., None] = lambda *_: None,
) -> dict[str, Any]:  # fmt: skip
    """Verdicts and truths of `pairs` pairs over `windows` windows of the city, and what they come to.

    `more` are policies beside the `POOL`'s. Raises ShadowError for policies that there are not.
    """
    pool = policies_of([*POOL, *more], network)
    chosen = pairs_of(pool, pairs, seed)
    used = [policy for policy in pool if any(policy in pair for pair in chosen)]
    held = c.belief(network, draws, BELIEVED_SEED + seed)
    jobs = {
        policy.name: [
            *(city_window(network, policy, seed + i, duration_s, scale) for i in range(windows)),
            *twin_windows(network, policy, held, duration_s),
        ]
        for policy in used
    }
    answers = iter(lived([job for own in jobs.values() for job in own], progress))
    by_policy = {name: list(itertools.islice(answers, len(own))) for name, own in jobs.items()}
    rows = [
        compared(a, b, *((by_policy[one.name][:windows], by_policy[one.name][windows:]) for one in (a, b)))
        for a, b in chosen
    ]
    return {"summary": summary(rows), "pairs": [{k: v for k, v in row.items() if k != "windows"} for row in rows]}


def compared(
    in_charge: Policy, candidate: Policy, own: tuple[Lived, Lived], other: tuple[Lived, Lived]
) -> dict[str, Any]:
    """A pair's verdict and truth; `own` and `other` are what each lived: the city's windows, and the twin's draws."""
    (city_own, twin_own), (city_other, twin_other) = own, other
    true_s = [b["measures"]["delay_s"] - a["measures"]["delay_s"] for a, b in zip(city_own, city_other, strict=True)]
    seen = [one["seen"] for one in city_own]
    found = c.counterfactual(seen, twin_own, twin_other)
    level = c.parameters()["level_percent"] / 100
    ab = interval(true_s, level)
    half = ab.half_width if ab.half_width is not None else 0.0
    believed = [b["measures"]["delay_s"] - a["measures"]["delay_s"] for a, b in zip(twin_own, twin_other, strict=True)]
    windows = [(c.counterfactual([s], twin_own, twin_other), true) for s, true in zip(seen, true_s, strict=True)]
    return {
        "in_charge": in_charge.name, "candidate": candidate.name,
        "verdict": found.verdict, "true_verdict": c.verdict(ab.mean - half, ab.mean + half),
        "estimate_s": found.mean_s, "low_s": found.low_s, "high_s": found.high_s, "true_s": ab.mean,
        "covered": found.low_s <= ab.mean <= found.high_s, "believed_s": float(np.mean(believed)),
        "windows": windows,
    }  # fmt: skip


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How often verdicts agree with the true A/B, how often intervals hold the truth, and how far estimates are off."""
    single: list[tuple[c.Estimate, float]] = [one for row in rows for one in row["windows"]]
    decided = [row for row in rows if row["verdict"] != c.UNDECIDED]
    sure = [(found, true) for found, true in single if found.verdict != c.UNDECIDED]
    table = {
        f"said_{said}_true_{true}": sum(row["verdict"] == said and row["true_verdict"] == true for row in rows)
        for said in (c.BETTER, c.WORSE, c.UNDECIDED) for true in (c.BETTER, c.WORSE, c.UNDECIDED)
    }  # fmt: skip
    return {
        "pairs": len(rows), "windows": len(single),
        "agree_percent": _percent([row["verdict"] == row["true_verdict"] for row in rows]),
        "decided": len(decided),
        "decided_right_sign_percent": _percent([row["estimate_s"] * row["true_s"] > 0 for row in decided]),
        **table,
        "covered_percent": _percent([row["covered"] for row in rows]),
        "level_percent": c.parameters()["level_percent"],
        "windows_decided": len(sure),
        "windows_right_sign_percent": _percent([found.mean_s * true > 0 for found, true in sure]),
        "windows_covered_percent": _percent([found.low_s <= true <= found.high_s for found, true in single]),
        "rmse_s": _rms([row["estimate_s"] - row["true_s"] for row in rows]),
        "rmse_of_belief_alone_s": _rms([row["believed_s"] - row["true_s"] for row in rows]),
        "mean_half_width_s": float(np.mean([(row["high_s"] - row["low_s"]) / 2 for row in rows])),
        "true_spread_s": _rms([row["true_s"] for row in rows]),
    }  # fmt: skip


def _percent(yes: Sequence[bool]) -> float | None:
    return 100 * float(np.mean(yes)) if yes else None


def _rms(values: Sequence[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
