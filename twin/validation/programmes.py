"""The programmes' models against theory and another tool: diffusion, the counter's queue, present values."""

from __future__ import annotations

import math

import numpy as np

from twin.programmes import appraisal, personnel
from twin.programmes.adoption import Bass, bass_month, published, simulate_bass
from twin.validation.comparison import Comparison, Found, Skipped

TEXTBOOK = (0.03, 0.38)


def bass() -> Found:
    """Bass's closed form against our monthly steps, against people who decide by chance, and against the textbook."""
    p, q = (published()[name].value for name in ("bass_p", "bass_q"))
    share = np.zeros(1)
    for _ in range(36):
        share = bass_month(share, p, q, 1.0)
    exact = Bass(p, q)
    people = [simulate_bass(exact, 20_000, 60, np.random.default_rng(seed))[-1] for seed in range(5)]
    return [
        Comparison(
            "diffusion", "share after 36 of our months", "Bass 1969, closed form", "theory", "-", float(share[0]),
            float(exact.share(3.0)), 1e-9,
        ),
        Comparison(
            "diffusion", "share of 20,000 people by chance after 5 years, 5 seeds", "Bass 1969, closed form", "theory",
            "-", float(np.mean(people)), float(exact.share(5.0)), 0.03, note="months against a continuous process",
        ),
        Comparison(
            "diffusion", "share after 3 years at p 0.03, q 0.38", "worked by hand", "theory", "-",
            float(Bass(*TEXTBOOK).share(3)), by_hand(*TEXTBOOK, 3.0), 1e-9,
        ),
    ]  # fmt: skip


def by_hand(p: float, q: float, years: float) -> float:
    """Bass's share by its formula, (1 - e^-(p + q) t) / (1 + q/p e^-(p + q) t), written out anew."""
    decay = math.exp(-(p + q) * years)
    return (1 - decay) / (1 + q / p * decay)


def erlang_c_wait(servers: int, load: float) -> float:
    """Mean wait in service times of M/M/c, `load` the share of time that servers are busy (Erlang 1917)."""
    offered = servers * load
    blocked = 1.0
    for n in range(1, servers + 1):  # Erlang B by its recursion
        blocked = offered * blocked / (n + offered * blocked)
    waits = blocked / (1 - load * (1 - blocked))
    return waits / (servers * (1 - load))


def in_turn_wait(servers: int, load: float) -> float:
    """Mean wait in service times where arrivals go to the servers in turn: each is E_c/M/1.

    GI/M/1 (Kendall 1953): sigma = A*(mu (1 - sigma)) has one root below 1; the wait is sigma / (1 - sigma) services.
    """
    sigma = 0.5
    for _ in range(10_000):
        sigma = (servers * load / (servers * load + 1 - sigma)) ** servers
    return sigma / (1 - sigma)


def wait_of_clerks(servers: int, load: float, passes: int, seed: int = 1) -> float:
    """Mean wait at the personnel counter in service times, simulated; random arrivals and services."""
    rng = np.random.default_rng(seed)
    at = np.cumsum(rng.exponential(1 / (servers * load), passes))
    service = rng.exponential(1.0, passes)
    left, _ = personnel.queue(at, service, np.zeros(servers))
    return float(np.mean(left - at - service))


def clerks() -> Found:
    """The personnel counter at 70 % load: one clerk, and four who take passes in turn."""
    shared = erlang_c_wait(4, 0.7)
    return [
        Comparison(
            "personnel counter", "wait at one clerk, 70 % busy", "M/M/1", "theory", "services",
            wait_of_clerks(1, 0.7, 1_000_000), erlang_c_wait(1, 0.7), 0.03, note="a million passes",
        ),
        Comparison(
            "personnel counter", "wait at four clerks in turn, 70 % busy", "GI/M/1 (Erlang arrivals)", "theory",
            "services", wait_of_clerks(4, 0.7, 1_000_000), in_turn_wait(4, 0.7), 0.03,
            note=f"one queue for all four (M/M/4) would wait {shared:.3g} services: the twin's clerks share none",
        ),
    ]  # fmt: skip


def npv_of_money() -> Found:
    """Present value of a worked case."""
    what, case = "present value of Rp 1,000 million and 10 × Rp 170 million at 10 %", (1e9, 1.7e8, 0.10, 10)
    try:
        import numpy_financial
    except ImportError:
        return [Skipped("appraisal", what, "numpy-financial", "numpy-financial")]
    capital, yearly, rate, years = case
    theirs = numpy_financial.npv(rate, [-capital, *[yearly] * years])
    ours = float(appraisal.npv(*case))
    return [Comparison("appraisal", what, "numpy-financial", "another tool", "Rp", ours, float(theirs), 1e-9)]
