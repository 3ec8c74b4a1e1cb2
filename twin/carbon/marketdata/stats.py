"""Statistics of trades, prices and holdings; plain functions of arrays."""

from __future__ import annotations

import numpy as np


def candles(time: np.ndarray, price: np.ndarray, lots: np.ndarray, width: float) -> np.ndarray:
    """Begin, open, high, low, close, volume of every interval with trades, shape (k, 6). `time` (n,) must ascend."""
    bins = np.floor_divide(time, width).astype(np.int64)
    starts = np.flatnonzero(np.diff(bins, prepend=bins[:1] - 1))
    if not len(bins):
        return np.empty((0, 6))
    ends = np.append(starts[1:], len(bins)) - 1
    return np.column_stack([
        bins[starts] * width, price[starts], np.maximum.reduceat(price, starts), np.minimum.reduceat(price, starts),
        price[ends], np.add.reduceat(lots, starts),
    ])  # fmt: skip


def gini(holdings: np.ndarray) -> float | None:
    """Gini coefficient of holdings that are not negative (0 equal, 1 all with one); None where nobody holds any.

    2 Σ i·x_(i) / (n Σ x) − (n + 1) / n over the sorted holdings, i from 1 (Gini 1914).
    """
    x = np.sort(holdings.astype(float))
    n, total = len(x), x.sum()
    if n == 0 or total <= 0:
        return None
    return float(2 * (np.arange(1, n + 1) * x).sum() / (n * total) - (n + 1) / n)


def volatility_percent(closes: np.ndarray, periods_a_year: float) -> float | None:
    """Standard deviation of log returns, for a year [%]; None from fewer than three prices."""
    if len(closes) < 3:
        return None
    return float(100 * np.std(np.diff(np.log(closes)), ddof=1) * np.sqrt(periods_a_year))


def impact_idr_per_t(signed_lots: np.ndarray, price_change_idr: np.ndarray) -> float | None:
    """Price impact: slope of price changes on signed volume through the origin (Kyle 1985's lambda) [Rp/t]."""
    square = float((signed_lots.astype(float) ** 2).sum())
    return float((signed_lots * price_change_idr).sum() / square) if square > 0 else None


def tracking_error_percent(price_idr: np.ndarray, reference_idr: np.ndarray) -> float | None:
    """Root mean square of the log gap between a price and its reference [%]."""
    if not len(price_idr):
        return None
    return float(100 * np.sqrt(np.mean(np.log(price_idr / reference_idr) ** 2)))
