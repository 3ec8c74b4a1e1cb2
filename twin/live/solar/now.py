"""Charge of the offices' batteries and the next hour's sun, from what a live day told until a moment."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from scipy.special import ndtri

from twin.errors import LiveError
from twin.live.estimate.seen import NOT_USED, series
from twin.live.solar import charge, nowcast
from twin.live.solar.charge import ChargeModel
from twin.live.solar.city import battery, clear_sky, parameters, sun_over
from twin.live.solar.nowcast import Nowcast
from twin.live.solar.study import GRACE_S, LEADS_MIN, MOST_LEAD, believed_days, charge_model
from twin.live.store import ZONE
from twin.module import Row
from twin.places import Site, kecamatan, villages, with_role

if TYPE_CHECKING:
    import pandas as pd

BELIEVED_SEED, OFFICES = 1, 6  # of the days that the twin believes in
Z_90 = float(ndtri(0.95))


@functools.cache
def believed() -> tuple[ChargeModel, Nowcast]:
    """A battery and the sky as the twin believes them."""
    days = believed_days(BELIEVED_SEED, OFFICES)
    index = nowcast.index_of(days.ghi_w_m2, days.clear_w_m2, parameters()["least_clear_w_m2"])
    return charge_model(days), nowcast.fit(index, MOST_LEAD + 1)


def told_now(table: pd.DataFrame, at_s: float) -> list[dict[str, Any]]:
    """A row for each battery's charge and each weather station's irradiance in 15, 30 and 60 minutes.

    With 90 % intervals, from a day's readings until a moment [s UTC]; `told_s_ago` is how old the last reading is, None
    where there was none. Raises LiveError for a day of no office.
    """
    own = table[table.kind.isin(["battery", "weather"]) & (table.at_s <= at_s)]
    if own.empty:
        raise LiveError("no battery and no weather station told anything until then")
    every_s = parameters()["step_s"]
    steps = max(1, int((at_s - own.at_s.min()) // every_s) + 1)
    moments = at_s - every_s * np.arange(steps)[::-1]
    rows = cast(list[Row], own.to_dict("records"))
    return _charges(rows, moments) + _irradiances(rows, moments)


def _told(rows: Sequence[Row], kind: str, name: str, sources: Sequence[str], at_s: np.ndarray) -> np.ndarray:
    return series(rows, kind, name, {source: o for o, source in enumerate(sources)}, at_s, GRACE_S)


def _sources(rows: Sequence[Row], kind: str) -> list[str]:
    return sorted({str(row["source"]) for row in rows if row["kind"] == kind})


def _charges(rows: Sequence[Row], at_s: np.ndarray) -> list[dict[str, Any]]:
    sources, most_kwh = _sources(rows, "battery"), battery().soc_max_kwh
    if not sources:
        return []
    soc = _told(rows, "battery", "soc_percent", sources, at_s) / 100 * most_kwh
    mean, sd = charge.estimate(believed()[0], _told(rows, "battery", "power_kw", sources, at_s), soc)
    last = _last(rows, "battery", at_s[-1])
    return [
        _row(at_s[-1], source, "charge", "%", 0, 100 * mean[-1, o] / most_kwh, 100 * sd[-1, o] / most_kwh, last, 100.0)
        for o, source in enumerate(sources)
    ]


def _irradiances(rows: Sequence[Row], at_s: np.ndarray) -> list[dict[str, Any]]:
    sources, p = _sources(rows, "weather"), parameters()
    if not sources:
        return []
    leads = [round(60 * minutes / p["step_s"]) for minutes in LEADS_MIN]
    ahead = at_s[-1] + p["step_s"] * np.arange(1, max(leads) + 1)
    clear = clear_sky(sun_over(np.concatenate([at_s, ahead]), [_site(source) for source in sources])[2]).T
    ghi = np.full_like(clear, np.nan)
    ghi[: len(at_s)] = _told(rows, "weather", "ghi_w_m2", sources, at_s)
    last, found = _last(rows, "weather", at_s[-1]), list[dict[str, Any]]()
    for minutes, lead in zip(LEADS_MIN, leads, strict=True):
        until = len(at_s) + lead
        up = clear[lead:until] >= p["least_clear_w_m2"]
        index = nowcast.index_of(ghi[:until], clear[:until], p["least_clear_w_m2"])
        mean, sd = nowcast.forecast(believed()[1], index, clear[:until], lead)
        sd = nowcast.widened(mean, sd, ghi[:until], lead, 3600 * p["memory_h"] / p["step_s"], up)
        found += [
            _row(at_s[-1], source, "irradiance", "W/m2", minutes, mean[-1, o], sd[-1, o], last, np.inf)
            for o, source in enumerate(sources)
        ]
    return sorted(found, key=lambda row: (row["office"], row["in_min"]))


def _site(source: str) -> Site:
    """Where a station stands; one that is named for no village's code is taken to be in the capital."""
    if (own := next((site for site in villages() if site.code == source), None)) is not None:
        return own
    seat = kecamatan()[with_role("capital")[0]]
    return replace(villages()[0], latitude_deg=seat.latitude_deg, longitude_deg=seat.longitude_deg)


def _last(rows: Sequence[Row], kind: str, at_s: float) -> Mapping[str, float]:
    """When each source last told something that is used [s before]."""
    found: dict[str, float] = {}
    for row in rows:
        if row["kind"] == kind and row["value"] is not None and not NOT_USED & set(str(row["flags"]).split(",")):
            source, ago_s = str(row["source"]), at_s - float(row["at_s"] or 0.0)
            found[source] = min(ago_s, found.get(source, ago_s))
    return found


def _row(
    at_s: float, office: str, what: str, unit: str, in_min: int, mean: float, sd: float, last: Mapping[str, float],
    most: float,
) -> dict[str, Any]:  # fmt: skip
    low, high = (float(np.clip(mean + side * Z_90 * sd, 0.0, most)) for side in (-1, 1))
    ago_s = float(last[office]) if office in last else None
    return {
        "at": datetime.fromtimestamp(at_s, ZONE).isoformat(), "office": office, "what": what, "unit": unit,
        "in_min": in_min, "mean": float(mean), "low": low, "high": high, "told_s_ago": ago_s,
    }  # fmt: skip
