"""How good charge and nowcast are: offices that differ from what the twin believes, their line, and their truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from twin.live.demo import on_the_way
from twin.live.estimate import scores
from twin.live.estimate.seen import series
from twin.live.intake import Intake
from twin.live.solar import charge, nowcast
from twin.live.solar.charge import ChargeModel
from twin.live.solar.city import Offices, battery, live_days, parameters
from twin.module import Row
from twin.places import Site, villages
from twin.solar.facts import values

LEADS_MIN = (15, 30, 60)
BELIEVED_SEED, BELIEVED_DAYS = 5000, 7
MOST_LEAD = 48  # steps; beyond four hours the last index tells nothing
GRACE_S = 60.0
BURN_IN = 12  # steps: nothing is scored in the first hour
Progress = Callable[..., None]


def score(
    seed: int, days: int, count: int, percents: Sequence[float], progress: Progress = lambda *_: None
) -> list[dict[str, Any]]:
    """RMSE, CRPS and coverage by share of readings: of the charge, and of irradiance 15, 30 and 60 minutes ahead."""
    believed, city = believed_days(seed, count), simulated(seed, days, count)
    rows: list[dict[str, Any]] = []
    for i, percent in enumerate(percents, 1):
        seen = told(city, percent, seed)
        rows += charges(believed, city, seen["soc_percent"], seen["power_kw"], percent)
        rows += irradiances(believed, city, seen["ghi_w_m2"], percent)
        progress(i, len(percents))
    return rows


def believed_days(seed: int, count: int) -> Offices:
    """Days of so many offices as the twin believes them."""
    clearness, cloud_sd = parameters()["believed_clearness"], values("weather")["hour_sd"]
    return live_days(_sites(count), BELIEVED_DAYS, seed + BELIEVED_SEED, clearness, cloud_sd)


def simulated(seed: int, days: int, count: int) -> Offices:
    """Days of the city's offices."""
    p = parameters()
    return live_days(_sites(count), days, seed, p["city_clearness"], p["city_hour_sd"])


def _sites(count: int) -> Sequence[Site]:
    return villages()[:: max(1, len(villages()) // count)][:count]


def readings(city: Offices, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What sensors tell (n, offices) by name, before anything happens on the way."""
    p, shape, panels = parameters(), city.soc_kwh.shape, rng.spawn(1)[0]
    soc = 100 * city.soc_kwh / battery().soc_max_kwh + rng.normal(0, p["city_soc_sd_percent"], shape)
    power = city.power_kw + city.bias_kw + rng.normal(0, p["city_power_sd_kw"], shape)
    ghi = city.ghi_w_m2 * (1 + rng.normal(0, p["ghi_sd_percent"] / 100, shape))
    pv = city.pv_kw * (1 + panels.normal(0, p["pv_sd_percent"] / 100, shape))
    return {
        "soc_percent": np.clip(soc, 0, 100), "power_kw": power, "ghi_w_m2": np.maximum(ghi, 0.0),
        "pv_kw": np.maximum(pv, 0.0),
    }  # fmt: skip


def told(city: Offices, percent: float, seed: int) -> dict[str, np.ndarray]:
    """Readings by name (n, offices) as they came over the demo's line, NaN where not; `percent` of them were sent."""
    rows, columns = came_in(city, percent, seed), {f"office-{o}": o for o in range(city.soc_kwh.shape[1])}
    return {
        name: series(rows, kind, name, columns, city.at_s, GRACE_S)
        for kind, name in (("battery", "soc_percent"), ("battery", "power_kw"), ("weather", "ghi_w_m2"))
    }


def came_in(city: Offices, percent: float, seed: int) -> list[Row]:
    """Readings of `office-0`, … as they came over the demo's line, of which `percent` were sent."""
    rng, shape = np.random.default_rng([seed, 17]), city.soc_kwh.shape
    read = readings(city, rng)
    sent_at_all = rng.random(shape) < percent / 100
    columns = {f"office-{o}": o for o in range(shape[1])}
    sent = []
    for k, at_s in enumerate(city.at_s):
        for source, o in columns.items():
            if sent_at_all[k, o]:
                body: dict[str, float | None] = {name: float(read[name][k, o]) for name in ("soc_percent", "power_kw")}
                sent += on_the_way("battery", source, k, float(at_s), body, rng)
                sent += on_the_way("weather", source, k, float(at_s), {"ghi_w_m2": read["ghi_w_m2"][k, o]}, rng)
    intake, rows = Intake(), list[Row]()
    for arrived_s, topic, payload in sorted(sent, key=lambda one: one[0]):
        rows += intake.take(topic, payload, arrived_s)[0]
    return rows


def charge_model(believed: Offices) -> ChargeModel:
    """A battery as the twin believes it, and its own days."""
    p, b = parameters(), battery()
    return ChargeModel(
        b.charge_efficiency, b.discharge_efficiency, b.soc_min_kwh, b.soc_max_kwh, p["step_s"] / 3600,
        p["believed_soc_sd_percent"] / 100 * b.soc_max_kwh, p["believed_power_sd_kw"], p["bias_sd_kw"],
        p["bias_walk_kw"], p["model_sd_percent"] / 100 * b.soc_max_kwh,
        float(np.std(np.diff(believed.power_kw, axis=0))),
    )  # fmt: skip


def charges(
    believed: Offices, city: Offices, soc_percent: np.ndarray, power_kw: np.ndarray, percent: float
) -> list[dict[str, Any]]:
    """A row for the filter and one for the last charge told."""
    model, soc = charge_model(believed), soc_percent / 100 * battery().soc_max_kwh
    change = np.array([0.0] + [np.std(believed.soc_kwh[lag:] - believed.soc_kwh[:-lag]) for lag in range(1, 289)])
    change = np.concatenate([change, np.full(max(0, len(soc) - len(change)), change[-1])])
    methods = {
        "kalman": charge.estimate(model, power_kw, soc),
        "persistence": charge.held(soc, change, model.soc_sd_kwh, float(believed.soc_kwh.mean())),
    }
    return [
        _row("charge", "kWh", percent, method, mean[BURN_IN:], sd[BURN_IN:], city.soc_kwh[BURN_IN:])
        for method, (mean, sd) in methods.items()
    ]


def irradiances(believed: Offices, city: Offices, ghi: np.ndarray, percent: float) -> list[dict[str, Any]]:
    """A row for the nowcast and one for the last irradiance, each lead, while the sun is well up then."""
    p = parameters()
    least = p["least_clear_w_m2"]
    model = nowcast.fit(nowcast.index_of(believed.ghi_w_m2, believed.clear_w_m2, least), MOST_LEAD + 1)
    plain_sd = nowcast.changes(believed.ghi_w_m2, MOST_LEAD + 1, believed.clear_w_m2 >= least)
    last, age = nowcast.last_seen(ghi, MOST_LEAD)
    rows = []
    for minutes in LEADS_MIN:
        lead = round(60 * minutes / p["step_s"])
        true, up = city.ghi_w_m2[lead:], city.clear_w_m2[lead:] >= least
        mean, sd = nowcast.forecast(model, nowcast.index_of(ghi, city.clear_w_m2, least), city.clear_w_m2, lead)
        sd = nowcast.widened(mean, sd, ghi, lead, 3600 * p["memory_h"] / p["step_s"], up)
        up[:BURN_IN] = False
        plain = np.nan_to_num(last)[:-lead], plain_sd[np.minimum(age[:-lead] + lead, MOST_LEAD)]
        for method, (guess, spread) in {"clear_sky_index": (mean, sd), "persistence": plain}.items():
            what = f"irradiance +{minutes} min"
            rows.append(_row(what, "W/m2", percent, method, guess[up], spread[up], true[up]))
    return rows


def _row(
    what: str, unit: str, percent: float, method: str, mean: np.ndarray, sd: np.ndarray, true: np.ndarray
) -> dict[str, Any]:
    return {
        "what": what, "unit": unit, "readings_percent": percent, "method": method,
        "rmse": scores.rmse(mean, true), "crps": scores.crps(mean, sd, true),
        "covered_90_percent": 100 * scores.coverage(mean, sd, true), "mean_sd": float(sd.mean()),
    }  # fmt: skip
