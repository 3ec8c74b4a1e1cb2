"""Indonesia's working days, weekends and holidays."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd

from twin.solar.facts import rows


@functools.cache
def holidays() -> np.ndarray:
    """National holidays and joint leave, 2025 to 2050, as days; after 2026 dates that hang on the moon are priors."""
    return np.array([row["date"] for row in rows("holidays")], dtype="datetime64[D]")


def is_working(period: pd.Period) -> np.ndarray:
    """For every day of a month or year: whether a village office is open, shape (days,)."""
    first, last = (np.datetime64(str(end.date()), "D") for end in (period.start_time, period.end_time))
    return np.is_busday(np.arange(first, last + 1), holidays=holidays())
