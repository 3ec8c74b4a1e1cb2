"""Every baseline on a network over seeds: tuned settings, rows of measures, means with intervals."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from twin.compare import interval
from twin.errors import NetworkError
from twin.files import read_rows
from twin.scenario import nearest
from twin.traffic.demand.hours import hour_routes
from twin.traffic.folders import TUNED
from twin.traffic.networks.locate import Network, locate
from twin.traffic.signals.baselines import BASELINES, Settings
from twin.traffic.signals.plans import signals_of
from twin.traffic.signals.webster import webster_programmes
from twin.traffic.simulation.batch import Job, Progress, simulate
from twin.traffic.simulation.detectors import DetectorOptions
from twin.traffic.simulation.events import EventOptions

COUNTED_SEED = 9001  # of the hour that the fixed-time programmes are made for; never one that is evaluated
SKETCH_CAMERA_RANGE_M = 100.0  # the sketch's cameras; elsewhere the options' own, RESCO's 200 m


@functools.cache
def tuned() -> Mapping[tuple[str, str], dict[str, float]]:
    """Settings found by `tune`, by network and controller."""
    return {(row["network"], row["controller"]): json.loads(row["settings"]) for row in read_rows(TUNED)}


def settings_for(network: str, controller: str) -> dict[str, float]:
    """The tuned settings of a baseline on a network, else its defaults."""
    return dict(tuned().get((network, controller), BASELINES[controller].defaults))


def known_controllers(names: Iterable[str]) -> list[str]:
    """The baselines of these names, all where none is given. Raises NetworkError with the nearest valid spelling."""
    wanted = list(names) or list(BASELINES)
    if unknown := [name for name in wanted if name not in BASELINES]:
        told = "; ".join(f"no controller {name!r}, {nearest(name, list(BASELINES))}" for name in unknown)
        raise NetworkError(told)
    return wanted


def network_for(
    name: str, seed: int, *, day_type: str = "weekday", scale: float = 1.0, motorcycle_share: float | None = None
) -> tuple[Network, float]:
    """A network with an hour of demand, and the factor by which SUMO is still to scale that demand.

    On the sketch `seed` draws the hour from the day type's counts; other networks bring their own.
    """
    if name != "trenggalek":
        return locate(name), scale
    routes = hour_routes(day_type, seed=seed, scale=scale, motorcycle_share=motorcycle_share)
    return replace(locate(name), route_file=routes), 1.0


def hour(
    name: str,
    controller: str,
    settings: Settings,
    seed: int,
    *,
    day_type: str = "weekday",
    scale: float = 1.0,
    motorcycle_share: float | None = None,
    detectors: DetectorOptions | None = None,
    duration_s: int | None = None,
    events: EventOptions | None = None,
    trace: bool = False,
) -> Job:
    """An hour of a baseline on a network. Webster's programmes are worked out here, from an hour counted before."""
    demand: dict[str, Any] = {"day_type": day_type, "scale": scale, "motorcycle_share": motorcycle_share}
    network, sumo_scale = network_for(name, seed, **demand)
    detectors = detectors or detectors_for(name)
    programmes: dict[str, Any] = {}
    if controller == "webster":
        counted, _ = network_for(name, COUNTED_SEED, **demand)
        programmes = webster_programmes(counted, signals_of(counted.net_file, detectors.camera_range_m), settings)
    lasts_s = duration_s or network.end_s - network.begin_s
    return Job(
        network, seed, controller, settings, programmes, sumo_scale, lasts_s, detectors,
        events=events or EventOptions(), trace=trace,
    )  # fmt: skip


def detectors_for(name: str) -> DetectorOptions:
    """Perfect detectors of the range that a network's cameras have."""
    return DetectorOptions(camera_range_m=SKETCH_CAMERA_RANGE_M) if name == "trenggalek" else DetectorOptions()


def baselines(
    networks: Sequence[str],
    controllers: Sequence[str],
    seeds: Sequence[int],
    progress: Progress | None = None,
    *,
    untuned: bool = False,
    **conditions: Any,
) -> list[dict[str, Any]]:
    """One row a network, controller and seed with all measures; tuned settings where there are any, or `untuned`.

    `conditions` are those of `hour`: day type, demand, detectors, events.
    """
    keys, jobs = baseline_jobs(networks, controllers, seeds, untuned=untuned, **conditions)
    answers = simulate(jobs, progress)
    return [{**key, **answer["measures"]} for key, answer in zip(keys, answers, strict=True)]


def baseline_jobs(
    networks: Sequence[str],
    controllers: Sequence[str],
    seeds: Sequence[int],
    *,
    untuned: bool = False,
    **conditions: Any,
) -> tuple[list[dict[str, Any]], list[Job]]:
    """What to simulate for `baselines`, and the names that each row begins with."""
    keys, jobs = [], []
    for name in networks:
        for controller in controllers:
            chosen = BASELINES[controller].defaults if untuned else settings_for(name, controller)
            for seed in seeds:
                keys.append({"network": name, "controller": controller, "seed": seed})
                jobs.append(hour(name, controller, chosen, seed, **conditions))
    return keys, jobs


def summary(rows: Sequence[Mapping[str, Any]], figures: Sequence[str]) -> list[dict[str, Any]]:
    """Mean and half-width of the 95 % interval of each figure, by network and controller; best delay first."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["network"], row["controller"]), []).append(row)
    found = []
    for (network, controller), members in groups.items():
        line: dict[str, Any] = {"network": network, "controller": controller, "seeds": len(members)}
        for figure in figures:
            values = [row[figure] for row in members if row.get(figure) is not None]
            line[figure] = interval(values) if values else None
        found.append(line)
    networks = list(dict.fromkeys(row["network"] for row in rows))
    return sorted(found, key=lambda line: (networks.index(line["network"]), line[figures[0]].mean))
