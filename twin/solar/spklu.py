"""The mini-SPKLU beside an office: electric motorcycles and bicycles that come to charge."""

from __future__ import annotations

import numpy as np

from twin.solar.facts import values


def arriving_kwh(sites: int, stations: int, vehicles: int, hours: int, rng: np.random.Generator) -> np.ndarray:
    """Energy that arriving vehicles want in every hour [kWh], shape (sites, hours).

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
    return bicycles * p["ebike_kwh"] + (count - bicycles) * p["motorcycle_kwh"]


def mean_charge_kwh() -> float:
    """Energy of an average charge."""
    p = values("spklu")
    return p["ebike_share"] * p["ebike_kwh"] + (1 - p["ebike_share"]) * p["motorcycle_kwh"]
