"""Two questions of the programmes: how likely each target is, and what the paperless office saves against the book."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from twin.city import MODULES, City, stream
from twin.kpi import catalogue
from twin.programmes import personnel
from twin.programmes.dynamics import drawn, ranges
from twin.programmes.facts import read
from twin.programmes.moving import MovingProgramme
from twin.programmes.outcomes import FIGURES
from twin.programmes.personnel_module import BOOK_TRIP_IDR
from twin.scenario import Scenario

MOVING = {
    "podcast": "podcast", "crypto": "crypto", "aipreneur": "aipreneur", "personnel": "personnel", "laras": "knowledge",
}  # programme -> module  # fmt: skip
MOST_SHOWN = 3


def live(scenario: Scenario, seed: int) -> tuple[Mapping[str, pd.DataFrame], Mapping[str, float]]:
    """Tables of a run of the moving programmes alone, and the parameters drawn ("programme.name").

    Without the other sectors nobody's power fails and nothing else is heard of the programmes.
    """
    modules: list[MovingProgramme] = []
    for name in MOVING.values():
        package, _, cls = MODULES[name][1].partition(":")
        modules.append(getattr(importlib.import_module(package), cls)())
    city = City(scenario, seed, modules)
    rows: dict[str, list[Mapping[str, Any]]] = {name: [] for module in modules for name in module.tables}
    while not city.finished:
        city.step()
        for observed in city.observed.values():
            for table, found in observed.items():
                rows[table] += found
    parameters = {
        f"{key}.{name}": value for key, module in zip(MOVING, modules, strict=True) for name, value in module.p.items()
    }
    return {table: pd.DataFrame(found) for table, found in rows.items()}, parameters


def targets(
    scenario: Scenario, seeds: Sequence[int], progress: Callable[..., None] = lambda *_: None
) -> list[dict[str, Any]]:
    """Every target of the moving programmes: its probability over seeds, its median, and what it hangs on most.

    What matters most is Spearman's rank correlation of each drawn parameter with the figure over the seeds, of the
    figure's own programme; only where it exceeds chance among the thirty or so that are looked at (p < 0.001).
    """
    figures: list[dict[str, float | None]] = []
    drawn_values: list[Mapping[str, float]] = []
    for done, seed in enumerate(seeds, start=1):
        tables, parameters = live(scenario, seed)
        figures.append({name: figure(tables[table]) for name, (table, figure) in FIGURES.items()})
        drawn_values.append(parameters)
        progress(done, len(seeds))
    parameters_table = pd.DataFrame(drawn_values)
    return [_target(name, [one[name] for one in figures], parameters_table) for name in FIGURES]


def _target(name: str, values: list[float | None], parameters: pd.DataFrame) -> dict[str, Any]:
    kpi = catalogue()[name]
    known = np.array([np.nan if value is None else value for value in values], dtype=float)
    met = [kpi.met(value) for value in values if value is not None]
    some = bool(met)
    quantiles = np.nanquantile(known, (0.1, 0.5, 0.9)) if some else (None, None, None)
    return {
        "kpi": name, "programme": kpi.programme, "target": kpi.target_wording, "unit": kpi.unit,
        "probability": sum(map(bool, met)) / len(met) if some and kpi.target is not None else None, "seeds": len(met),
        "p10": quantiles[0], "median": quantiles[1], "p90": quantiles[2], "prior": kpi.prior,
        "matters_most": _drivers(kpi.programme, known, parameters),
    }  # fmt: skip


def _drivers(programme: str, values: np.ndarray, parameters: pd.DataFrame) -> list[dict[str, Any]]:
    known = np.isfinite(values)
    if known.sum() < 10 or np.ptp(values[known]) == 0:
        return []
    found: list[dict[str, Any]] = []
    for name in parameters.columns:
        column = parameters.loc[known, name].to_numpy()
        if name.split(".")[0] == programme and np.ptp(column) > 0:
            rho, p_value = spearmanr(column, values[known])
            if p_value < 0.001:
                found.append({"assumption": name, "rank_correlation": round(float(rho), 2)})
    return sorted(found, key=lambda one: -abs(one["rank_correlation"]))[:MOST_SHOWN]


def manual_against_digital(
    assumptions: str, seeds: Sequence[int], progress: Callable[..., None] = lambda *_: None
) -> list[dict[str, Any]]:
    """Savings a month of each row of the book's table beside the twin's, everybody filing digitally, same chance.

    Kinds that the book serves and does not count stand below the sum of those that it does.
    The twin's parameters are drawn anew for each seed; mean, 10th and 90th percentile over the seeds.
    """
    months = [_one_month(assumptions, seed, progress, i, len(seeds)) for i, seed in enumerate(seeds, start=1)]
    table, book = pd.DataFrame(months), {row["item"]: row for row in read("personnel_savings.csv")}
    lines = [(item, kind) for kind, item in personnel.BOOK_ITEMS.items()] + [("paper (reams)", "paper")]
    rows = [_saving(item, table[kind], float(book[item]["stated_month_idr"])) for item, kind in lines]
    room = book["no new archive room"]
    rows.append({"item": "no new archive room (once)", "unit": "Rp", "book": float(room["stated_year_idr"]),
                 "twin_mean": None, "p10": None, "p90": None})  # fmt: skip
    rows.append(
        _saving("all recurring", table[[kind for _, kind in lines]].sum(axis=1), sum(r["book"] for r in rows[:-1]))
    )
    rows += [_saving(kind, table[kind], None) for kind in personnel.KINDS if kind not in personnel.BOOK_ITEMS]
    trips = sum(float(r["per_month"]) * float(r["trips_each"]) for r in book.values())
    rows.append({**_saving("return trips avoided", table["trips"], trips), "unit": "1/month"})
    for name, unit in (
        ("fuel", "l/month"), ("co2", "kg/month"), ("travel", "h/month"), ("wait_manual", "h"), ("wait_digital", "h"),
    ):  # fmt: skip
        rows.append({**_saving(name.replace("_", " "), table[name], None), "unit": unit})
    return rows


def _saving(item: str, values: pd.Series, book: float | None) -> dict[str, Any]:
    low, high = np.quantile(values, (0.1, 0.9))
    return {"item": item, "unit": "Rp/month", "book": book, "twin_mean": float(values.mean()), "p10": float(low),
            "p90": float(high)}  # fmt: skip


def _one_month(assumptions: str, seed: int, progress: Callable[..., None], done: int, total: int) -> dict[str, float]:
    rng = stream(seed, "personnel")
    p = drawn(assumptions, "personnel", rng)
    month = personnel.draw_month(personnel.filings_month(assumptions, p), rng)
    clerks = np.zeros(max(1, round(p["clerks"])))
    manual = personnel.counter(month, p, clerks)
    digital = personnel.application(month, p, clerks, np.zeros(len(personnel.places()[0])))
    trip_idr = BOOK_TRIP_IDR if assumptions == "book" else None
    found: dict[str, float] = {"paper": 0.0, "trips": 0.0, "fuel": 0.0, "co2": 0.0, "travel": 0.0}
    for i, kind in enumerate(personnel.KINDS):
        a, b = (
            personnel.bill(month, process, month.kind == i, p, process is digital, trip_idr)
            for process in (manual, digital)
        )
        paper = (a.sheets - b.sheets) / personnel.SHEETS_PER_REAM * personnel.REAM_IDR
        found[kind] = a.cost_idr - b.cost_idr - paper
        found["paper"] += paper
        found["trips"] += a.trips - b.trips
        found["fuel"] += a.fuel_l - b.fuel_l
        found["co2"] += a.co2_kg - b.co2_kg
        found["travel"] += a.travel_h - b.travel_h
    progress(done, total)
    return found | {"wait_manual": float(manual.wait_h.mean()), "wait_digital": float(digital.wait_h.mean())}


def assumptions_of(programme: str, which: str) -> list[dict[str, Any]]:
    """The ranges that a moving programme draws from."""
    return [
        {"assumption": f"{programme}.{one.name}", "low": float(one.low), "value": float(one.value),
         "high": float(one.high), "unit": one.unit, "confidence": one.confidence, "source": one.source}
        for one in ranges(which, programme).values()
    ]  # fmt: skip
