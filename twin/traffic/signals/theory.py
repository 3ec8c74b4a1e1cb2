"""Closed forms of traffic theory: what a simulation of a simple case must come near to.

Flows are vehicles per second. `green_ratio` is effective green over cycle, `degree` the degree of saturation: flow
over capacity, capacity being saturation flow × green ratio. All functions take numbers or arrays that broadcast.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

FIRST_SATURATED = 5  # vehicles before this one in a queue start up and are slower (HCM 2000, chapter 16, appendix H)


def free_flow_travel_time_s(length_m: ArrayLike, speed_m_per_s: ArrayLike) -> np.ndarray:
    """Time over a road at the wished speed [s]."""
    return np.asarray(length_m, dtype=float) / np.asarray(speed_m_per_s, dtype=float)


def uniform_delay_s(cycle_s: ArrayLike, green_ratio: ArrayLike, degree: ArrayLike) -> np.ndarray:
    """Mean delay at a signal of evenly spaced arrivals (D/D/1) [s]: C (1 − λ)² / (2 (1 − λ x)).

    Area of the queue's triangle over the arrivals of a cycle (May 1990, Traffic Flow Fundamentals, chapter 12; the
    first term of Webster 1958). Infinite where the degree of saturation is above 1: the queue never ends.
    """
    cycle_s, green_ratio, degree = (np.asarray(x, dtype=float) for x in (cycle_s, green_ratio, degree))
    delay_s = cycle_s * (1 - green_ratio) ** 2 / (2 * (1 - green_ratio * np.minimum(degree, 1)))
    return np.where(degree > 1, np.inf, delay_s)


def md1_wait_s(flow_per_s: ArrayLike, service_per_s: ArrayLike) -> np.ndarray:
    """Mean wait before service of random arrivals at a server of constant time (M/D/1) [s]: ρ / (2 μ (1 − ρ)).

    Pollaczek and Khinchine. Infinite where arrivals reach the service rate.
    """
    flow, service = np.asarray(flow_per_s, dtype=float), np.asarray(service_per_s, dtype=float)
    load = flow / service
    return np.where(load < 1, load / (2 * service * np.where(load < 1, 1 - load, 1.0)), np.inf)


def webster_delay_s(cycle_s: ArrayLike, green_ratio: ArrayLike, degree: ArrayLike, flow_per_s: ArrayLike) -> np.ndarray:
    """Mean delay at a signal of random arrivals [s]: the uniform delay and x² / (2 q (1 − x)).

    The two terms of Webster 1958 (Road Research Technical Paper 39), the second being the wait of an M/D/1 queue served
    at capacity. Infinite from a degree of saturation of 1. See `webster_correction_s`.
    """
    x, flow = np.asarray(degree, dtype=float), np.asarray(flow_per_s, dtype=float)
    return uniform_delay_s(cycle_s, green_ratio, x) + md1_wait_s(flow, flow / x)


def webster_correction_s(
    cycle_s: ArrayLike, green_ratio: ArrayLike, degree: ArrayLike, flow_per_s: ArrayLike
) -> np.ndarray:
    """What Webster 1958 takes off his two terms [s], fitted to simulations: 0.65 (C / q²)^⅓ x^(2 + 5 λ).

    It is some 5 to 15 % of them, which is why 0.9 of the two terms is often taken.
    """
    cycle_s, green_ratio, x, flow = (
        np.asarray(value, dtype=float) for value in (cycle_s, green_ratio, degree, flow_per_s)
    )
    return np.asarray(0.65 * np.cbrt(cycle_s / flow**2) * x ** (2 + 5 * green_ratio))


def webster_cycle_s(lost_s: ArrayLike, flow_ratio: ArrayLike) -> np.ndarray:
    """Cycle of least delay [s]: (1.5 L + 5) / (1 − Y) (Webster 1958).

    `lost_s`: lost time of a cycle; `flow_ratio`: sum over phases of the critical flow over saturation flow. Infinite
    where that reaches 1.
    """
    lost, ratio = np.asarray(lost_s, dtype=float), np.asarray(flow_ratio, dtype=float)
    return np.where(ratio < 1, (1.5 * lost + 5) / np.where(ratio < 1, 1 - ratio, 1.0), np.inf)


def saturation_flow_per_h(crossings_s: ArrayLike, first: int = FIRST_SATURATED) -> tuple[float, float]:
    """Saturation flow [veh/h of green] and start-up lost time [s] of one queue that discharges over one lane.

    `crossings_s`: seconds after the start of green at which the queue's vehicles cross the stop line, in order. The
    flow is that of the mean headway from the vehicle before the `first` saturated one to the last; what the ones before
    took longer than that headway is lost (HCM 2000, chapter 16, appendix H). Raises ValueError for a queue too short.
    """
    crossings = np.asarray(crossings_s, dtype=float)
    if len(crossings) <= first:
        raise ValueError(f"a queue of {len(crossings)} vehicles: saturation flow needs more than {first}")
    headway_s = float(crossings[-1] - crossings[first - 2]) / (len(crossings) - first + 1)
    return 3600 / headway_s, float(crossings[first - 2]) - (first - 1) * headway_s
