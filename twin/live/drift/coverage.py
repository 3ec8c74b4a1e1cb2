"""What lies do to estimates: truths in 90 % intervals with honest sensors, with one that lies, and without that one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from twin.live.estimate import roads
from twin.live.estimate.city import Told, parameters, told
from twin.live.estimate.queues import believed_queues
from twin.live.estimate.scores import coverage
from twin.live.solar import charge, nowcast
from twin.live.solar.city import battery
from twin.live.solar.city import parameters as solar_parameters
from twin.live.solar.study import BURN_IN, MOST_LEAD, believed_days, charge_model, readings, simulated
from twin.live.street import live_hour
from twin.traffic.networks.locate import locate
from twin.traffic.signals.plans import signals_of
from twin.traffic.studies.evaluate import detectors_for

if TYPE_CHECKING:
    from twin.live.drift.lies import Lie

BELIEVED, CITY = 5000, 6000  # added to the seed: the twin's own hour, and the city's
OFFICES, DAYS, LEAD = 6, 7, 12  # steps ahead: an hour
Covered = dict[str, float | str]


def covered_of_street(network: str, seed: int, duration_s: int, lies: Iterable[Lie]) -> dict[Lie, Covered]:
    """Of a camera's zone the halting vehicles, of a counter the network's turning rates; means over all sensors."""
    believed, city = (live_hour(network, seed + more, duration_s) for more in (BELIEVED, CITY))
    p = {**parameters(), "city_miss_percent": parameters()["believed_miss_percent"]}
    net_file = locate(network).net_file
    signals = signals_of(net_file, detectors_for(network).camera_range_m)
    green, layout = signals.junctions.green, roads.layout_of(net_file, signals)
    came = told(city, 100.0, seed, p)
    known, true = roads.learned(layout, believed, green, p), roads.recent_shares(layout, city.turned)
    there = ~np.isnan(true)

    def queues(heard: Told, z: int) -> float:
        x, sd = believed_queues(believed, heard, green, p)
        return coverage(x[:, z, 0], sd[:, z, 0], city.halting[:, z])

    def turns(heard: Told, _: int) -> float:
        mean, variance = roads.by_filter(layout, known.turns, heard.counted, p)
        sd = np.maximum(np.sqrt(known.turning_scale * variance), roads.LEAST_SD)
        return coverage(mean[there], sd[there], true[there])

    judges = {"camera": ("halting", queues, ("halting", "vehicles")), "counter": ("turning rates", turns, ("counted",))}
    found = {}
    for lie in lies:
        if lie.sensor in judges:
            what, judge, fields = judges[lie.sensor]
            every = {name: getattr(came, name) for name in fields}
            found[lie] = _covered(
                lie,
                what,
                every,
                seed,
                lambda told_, at, judge=judge: judge(replace(came, **told_), at),  # type: ignore[misc]
            )
    return found


def covered_of_offices(seed: int, lies: Iterable[Lie]) -> dict[Lie, Covered]:
    """Of a battery's sensors the charge of the office, of irradiance its nowcast of an hour ahead; means over all."""
    believed, city, p = believed_days(seed, OFFICES), simulated(seed, DAYS, OFFICES), solar_parameters()
    read, model = readings(city, np.random.default_rng([seed, 17])), charge_model(believed)
    least = p["least_clear_w_m2"]
    sky = nowcast.fit(nowcast.index_of(believed.ghi_w_m2, believed.clear_w_m2, least), MOST_LEAD + 1)

    def charges(told_: Mapping[str, np.ndarray], o: int) -> float:
        soc_kwh = told_["soc_percent"] / 100 * battery().soc_max_kwh
        mean, sd = charge.estimate(model, told_["power_kw"], soc_kwh)
        return coverage(mean[BURN_IN:, o], sd[BURN_IN:, o], city.soc_kwh[BURN_IN:, o])

    def nowcasts(told_: Mapping[str, np.ndarray], o: int) -> float:
        ghi, clear, up = told_["ghi_w_m2"], city.clear_w_m2, city.clear_w_m2[LEAD:] >= least
        mean, sd = nowcast.forecast(sky, nowcast.index_of(ghi, clear, least), clear, LEAD)
        sd = nowcast.widened(mean, sd, ghi, LEAD, 3600 * p["memory_h"] / p["step_s"], up)
        up[:BURN_IN] = False
        return coverage(mean[up[:, o], o], sd[up[:, o], o], city.ghi_w_m2[LEAD:][up[:, o], o])

    judges = {
        "gauge": ("charge", charges, "soc_percent"), "power": ("charge", charges, "power_kw"),
        "irradiance": ("irradiance +60 min", nowcasts, "ghi_w_m2"),
    }  # fmt: skip
    found = {}
    for lie in lies:
        if lie.sensor in judges:
            what, judge, name = judges[lie.sensor]
            found[lie] = _covered(
                lie,
                what,
                {name: read[name]},
                seed,
                lambda told_, o, judge=judge: judge({**read, **told_}, o),  # type: ignore[misc]
            )
    return found


def _covered(
    lie: Lie,
    what: str,
    every: Mapping[str, np.ndarray],
    seed: int,
    judge: Callable[[dict[str, np.ndarray], int], float],
) -> Covered:
    """Means over all sensors, in percent; `every` are the values (n, sensors) that one sensor tells."""
    rng = np.random.default_rng([seed, 22])
    shares = []
    for at in range(next(iter(every.values())).shape[1]):
        lied, silent = ({name: values.copy() for name, values in every.items()} for _ in range(2))
        for name, values in every.items():
            own = values[:, at]
            lied[name][:, at] = lie.told(own, float(np.nanmean(own)) if (~np.isnan(own)).any() else np.nan, rng)
            silent[name][:, at] = np.nan
        shares.append([100 * judge(dict(told_), at) for told_ in (every, lied, silent)])
    honest, lying, left_out = np.mean(shares, axis=0).tolist()
    return {"estimate": what, "covered_honest": honest, "covered_lying": lying, "covered_left_out": left_out}
