"""The mini-SPKLU beside an office: electric motorcycles and bicycles that come to charge."""

from __future__ import annotations

import numpy as np

from twin.solar.facts import values


def arriving(
    sites: int, stations: int, vehicles: int, hours: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Vehicles that arrive in every hour, and the energy that they want [kWh], shape (sites, hours) each.

    `vehicles` registered in the regency share `stations`; arrivals are Poisson in the hours of the table, and each is a
    bicycle or a motorcycle with its usual charge.
    """
    p = values("spklu")
    clock = np.arange(hours) % 24
    opened = (clock >= p["from_hour"]) & (clock < p["to_hour"])
    a_day = vehicles * p["charges_per_vehicle_day"] / max(stations, 1)
    rate = np.where(opened, a_day / (p["to_hour"] - p["from_hour"]), 0.0)
    count = rng.poisson(rate, (sites, hours))
    bicycles = rng.binomial(count, p["ebike_share"])
    return count, bicycles * p["ebike_kwh"] + (count - bicycles) * p["motorcycle_kwh"]


def queue_figures(
    count: np.ndarray, wanted_kwh: np.ndarray, sold_kwh: np.ndarray, left_kwh: np.ndarray, waiting_kwh: np.ndarray
) -> dict[str, float | int | None]:
    """Vehicles that came, those that left for the length of the queue, and the mean time in the system [h].

    All (sites, hours) but `waiting_kwh` (sites,), what waited before. Vehicles are served in order of arrival; the mean
    time follows from the mean queue by Little's law (1961), hours being the steps: what is served within the hour of
    its arrival counts as half an hour.
    """
    came, wanted = int(count.sum()), float(wanted_kwh.sum())
    lost = min(came, round(float(left_kwh.sum()) / (wanted / came))) if came else 0
    queue = waiting_kwh[:, None] + np.cumsum(wanted_kwh - sold_kwh - left_kwh, axis=1)
    stayed = wanted - float(left_kwh.sum())
    wait_h = 0.5 + float(queue.sum()) / stayed if stayed > 0 else None
    return {"vehicles_arrived": came, "vehicles_lost": lost, "vehicles_wait_h": wait_h}


def mean_charge_kwh() -> float:
    """Energy of an average charge."""
    p = values("spklu")
    return p["ebike_share"] * p["ebike_kwh"] + (1 - p["ebike_share"]) * p["motorcycle_kwh"]
