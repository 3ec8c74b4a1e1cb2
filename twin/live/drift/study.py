"""Are drift's alarms as rare as they say, and how soon do they come? Simulated hours, with and without a change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from twin.live.demo import messages
from twin.live.drift.series import Day, aligned, day_of_rows
from twin.live.drift.watch import SORTS, WEATHER, learn, parameters, series_of, watch
from twin.live.intake import Intake
from twin.live.street import Lived, live_hour
from twin.module import Row

OFTEN_PER_30_DAYS = 300.0  # a rate at which false alarms can be counted within hours
FIRST_SEED = 7001


@dataclass(frozen=True)
class Change:
    """What is different in a city's hours: demand, the busiest loop's share of counted vehicles, the policy."""

    name: str
    scale: float = 1.0
    loop_share: float = 1.0
    settings: dict[str, float] = field(default_factory=dict)


CHANGES = (
    Change("demand +15 %", scale=1.15), Change("demand -15 %", scale=0.85),
    Change("a loop counts 70 %", loop_share=0.7), Change("least green 25 s", settings={"min_green_s": 25.0}),
)  # fmt: skip


def simulated_day(network: str, seed: int, duration_s: int, change: Change) -> Day:
    """An hour's bins as they came in over the demo's line."""
    lived = live_hour(network, seed, duration_s, change.scale, loops=True, settings=change.settings)
    return day_as_told(lying(lived, change.loop_share, seed), seed)


def day_as_told(lived: Lived, seed: int) -> Day:
    """A day's bins of what was told of an hour over the demo's line."""
    intake, rows = Intake(), list[Row]()
    for arrived_s, topic, payload in messages(lived, seed):
        rows += intake.take(topic, payload, arrived_s)[0]
    return day_of_rows(rows, int(parameters()["bin_s"]))


def lying(lived: Lived, share: float, seed: int) -> Lived:
    """The same hour with the busiest loop counting a share of what passes: plausible, and false."""
    if share == 1.0 or lived.passed is None:
        return lived
    passed, busiest = lived.passed.copy(), int(lived.passed.sum(axis=0).argmax())
    passed[:, busiest] = np.random.default_rng([seed, 18]).binomial(passed[:, busiest].astype(int), share)
    return replace(lived, passed=passed)


def study(
    network: str, reference: int, control: int, changed: int, duration_s: int, seed: int,
    progress: Callable[..., None] = lambda *_: None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Rows: false alarms by sort in `control` hours beside what is expected, at two rates; and what each change raised.

    `reference` hours are learned from; every change lasts `changed` hours. An hour counts as a day: its sums go on in
    the next one.
    """
    plain, total = Change("nothing"), reference + control + changed * len(CHANGES)
    plan = [plain] * (reference + control) + [change for change in CHANGES for _ in range(changed)]
    days = []
    for i, change in enumerate(plan, 1):
        days.append(simulated_day(network, FIRST_SEED + 1000 * seed + i, duration_s, change))
        progress(i, total, change.name)
    days = aligned(days)
    known, quiet = days[:reference], days[reference : reference + control]
    rows = []
    for rate in (parameters()["false_alarms_per_30_days"], OFTEN_PER_30_DAYS):
        rows += false_alarms(known, quiet, rate)
    for k, change in enumerate(CHANGES):
        own = days[reference + control + k * changed :][:changed]
        rows += raised(known, own, change)
    return rows


def false_alarms(known: Sequence[Day], quiet: Sequence[Day], per_30_days: float) -> list[dict[str, Any]]:
    """Alarms of days without a change by sort, beside how many are expected of so many bins."""
    learned, usual = learn(known, per_30_days)
    drifts = watch(quiet, learned, usual)
    found = []
    for one in (series for series in series_of(quiet, usual) if series.sort in learned):
        bins = int((~np.isnan(one.values)).any(axis=2).sum())
        expected = learned[one.sort].false_alarms_a_day * bins / one.bins_a_day
        n = sum(drift.sort == one.sort for drift in drifts)
        found.append({"change": "nothing", "per_30_days": per_30_days, "sort": one.sort, "bins": bins,
                      "alarms": n, "expected": expected, "after_bins": None, "sources": None})  # fmt: skip
    return found


def raised(known: Sequence[Day], days: Sequence[Day], change: Change) -> list[dict[str, Any]]:
    """Which sorts alarmed of a change, and after how many bins first."""
    learned, usual = learn(known)
    drifts, told = watch(days, learned, usual), [int(k) for k in _bins(days[0])]
    bins = {(i, b): n for n, (i, b) in enumerate((i, b) for i in range(len(days)) for b in told)}
    found = []
    for sort in (one for one in SORTS if one in learned and one != WEATHER):
        own = [drift for drift in drifts if drift.sort == sort]
        after = min((bins.get((drift.day, drift.bin), 0) + 1 for drift in own), default=None)
        found.append({"change": change.name, "per_30_days": parameters()["false_alarms_per_30_days"], "sort": sort,
                      "bins": len(bins), "alarms": len(own), "expected": None, "after_bins": after,
                      "sources": ", ".join(sorted({drift.source for drift in own}))})  # fmt: skip
    return found


def _bins(day: Day) -> np.ndarray:
    return np.flatnonzero(~np.isnan(day.values["passed"]).all(axis=1))
