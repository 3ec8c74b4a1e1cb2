"""Travel times of the next hour from what detectors saw until now: held, by the time of day, learned, and combined.

Arrays have the axes D days, n intervals of a day, R roads, S signs of a detector, H horizons (0 … 12 intervals ahead,
0 being now: travel times are not seen by detectors, so even the present one is estimated). All learning is done on
logarithms, since travel times are skewed and a road's errors grow with its time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls
from scipy.stats import t as student

from twin.traffic.networks.roads import mean_of

HORIZONS = 13  # of 5 minutes: 0 … 60 min
LAGS = 3  # intervals that the learned forecast sees one by one
HOUR = 12  # intervals over which it sees a mean
RIDGE = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)  # penalties to choose from, a multiple of the number of rows
METHODS = ("persistence", "profile", "ridge", "combined")


@dataclass(frozen=True)
class Model:
    """What was learned from days. `time_of_day` (n, R) log s, `signs_of_day` (n, R, S) log(1 + sign).

    `spread` (R, F) and `slopes` (H, R, F) are the ridge regression's on F features, `penalties` (H,) what it chose;
    `weights` (H, 2) those of ridge and persistence in the combination (the profile has the rest); `offsets` (2, H, R)
    the quantiles of the residuals [log s] that bound the interval holding `coverage` [-] of the times.
    """

    time_of_day: np.ndarray
    signs_of_day: np.ndarray
    upstream: np.ndarray
    spread: np.ndarray
    slopes: np.ndarray
    penalties: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray
    coverage: float


@dataclass(frozen=True)
class Forecast:
    """Travel times [s] (n, H, R) told at each interval's end for each horizon; NaN beyond the end of the known day.

    `by_method` holds those of every method of METHODS; `low_s` and `high_s` bound the combination's interval.
    """

    by_method: dict[str, np.ndarray]
    low_s: np.ndarray
    high_s: np.ndarray

    @property
    def travel_s(self) -> np.ndarray:
        """The combination's."""
        return self.by_method["combined"]


def fit(
    seen: np.ndarray, travel_s: np.ndarray, upstream: np.ndarray, free_flow_s: np.ndarray, coverage: float = 0.8
) -> Model:
    """Learn from whole days: `seen` (D, n, R, S), `travel_s` (D, n, R), NaN where unseen.

    - profile: geometric mean of the days at a time of day (free flow where nobody ever drove);
    - ridge regression (Hoerl & Kennard 1970) of each road and horizon on deviations from the profile; the penalty of
      a horizon is what forecasts left-out days best, so the less there is to know, the nearer it stays to the profile;
    - combination: weights ≥ 0 adding up to at most 1 that fit left-out days best (Breiman 1996, stacking);
    - interval: quantiles of the combination's errors on left-out days, of a horizon never narrower than a nearer one.

    Raises ValueError for fewer than two days or shapes that do not fit.
    """
    days = len(seen)
    if days < 2 or seen.shape[:3] != travel_s.shape:
        raise ValueError(f"two days at least, with a time for every road seen: {seen.shape[:3]} and {travel_s.shape}")
    known = _logarithm(travel_s)
    time_of_day = _filled(mean_of(known, axis=0), np.log(free_flow_s))
    signs_of_day = np.nan_to_num(mean_of(np.log1p(seen), axis=0))
    features = _features(seen, signs_of_day, upstream)
    spread = np.sqrt((features**2).mean(axis=(0, 1))) + 1e-9
    targets = _ahead(known - time_of_day)
    slopes, penalties, left_out = _ridge(features / spread, targets)
    held = _held(left_out[:, :, 0], time_of_day)
    weights = _stacked(left_out, held, targets)
    # A day left out of the profile too lies further from it, by days / (days - 1) exactly where no value is missing.
    errors = (targets - _combination(left_out, held, weights)) * days / (days - 1)
    offsets = _offsets(errors, coverage)
    return Model(time_of_day, signs_of_day, upstream, spread, slopes, penalties, weights, offsets, coverage)


def forecast(model: Model, seen: np.ndarray) -> Forecast:
    """Forecasts told at every interval of a day so far, `seen` (n′ ≤ n, R, S); each uses what was seen until then.

    Of a road that has been silent for LAGS intervals the combination tells the profile.
    """
    features = _features(seen[None], model.signs_of_day[: len(seen)], model.upstream) / model.spread
    learned = np.einsum("dnrf,hrf->dnhr", features, model.slopes)
    held = _held(learned[:, :, 0], model.time_of_day)
    base = _ahead(model.time_of_day[None])[0, : len(seen)]
    heard = _recent(np.isfinite(seen).any(axis=2)[None].astype(float), LAGS)[0] > 0
    combined = base + _combination(learned, held, model.weights)[0] * heard[:, None]
    logs = {
        "persistence": base + held[0],
        "profile": base,
        "ridge": base + learned[0],
        "combined": combined,
    }
    low, high = (np.exp(combined + offset) for offset in model.offsets)
    return Forecast({name: np.exp(values) for name, values in logs.items()}, low, high)


def _logarithm(travel_s: np.ndarray) -> np.ndarray:
    return np.log(np.where(travel_s > 0, travel_s, np.nan))


def _filled(profile: np.ndarray, instead: np.ndarray) -> np.ndarray:
    """Gaps of a profile (n, R) filled with the road's mean, or else with `instead` (R,)."""
    whole_day = mean_of(profile, axis=0)
    return np.where(np.isfinite(profile), profile, np.where(np.isfinite(whole_day), whole_day, instead))


def _features(seen: np.ndarray, signs_of_day: np.ndarray, upstream: np.ndarray) -> np.ndarray:
    """(D, n, R, F): deviations from what is usual at the time of day; what is unseen counts as usual.

    Of a road itself the last LAGS intervals and the mean of the last hour; of the roads that lead into it and of the
    whole network the mean of the last LAGS intervals.
    """
    off = np.nan_to_num(np.log1p(seen) - signs_of_day)
    recent = _recent(off, LAGS)
    parts = [*(_delayed(off, lag) for lag in range(LAGS)), _recent(off, HOUR)]
    parts += [
        np.einsum("qr,dnrs->dnqs", upstream, recent),
        np.broadcast_to(recent.mean(axis=2, keepdims=True), off.shape),
    ]
    return np.concatenate(parts, axis=-1)


def _delayed(values: np.ndarray, lag: int) -> np.ndarray:
    """Values (D, n, …) of `lag` intervals ago; 0 before the day began."""
    if lag == 0:
        return values
    return np.concatenate([np.zeros_like(values[:, :lag]), values[:, :-lag]], axis=1)[:, : values.shape[1]]


def _recent(values: np.ndarray, intervals: int) -> np.ndarray:
    """Mean of the last `intervals` (D, n, …), of as many as the day has had."""
    total = np.cumsum(values, axis=1)
    n = np.minimum(np.arange(values.shape[1]) + 1, intervals).reshape(1, -1, *[1] * (values.ndim - 2))
    return (total - _delayed(total, intervals)) / n


def _ahead(values: np.ndarray) -> np.ndarray:
    """(D, n, H, R): entry t, h is the value (D, n, R) at t + h; NaN beyond the day's end."""
    n = values.shape[1]
    padded = np.concatenate([values, np.full((len(values), HORIZONS - 1, values.shape[2]), np.nan)], axis=1)
    return np.stack([padded[:, h : h + n] for h in range(HORIZONS)], axis=2)


def _ridge(features: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slopes (H, R, F), the penalty of each horizon (H,), and what is said of each day by all others (D, n, H, R)."""
    known = np.isfinite(targets)
    squares = np.einsum("dnhr,dnrf,dnrg->dhrfg", known.astype(float), features, features, optimize=True)
    products = np.einsum("dnhr,dnrf->dhrf", np.where(known, targets, 0.0), features)
    rows = known.sum(axis=1, dtype=float)  # (D, H, R)
    eye = np.eye(features.shape[-1])

    def solved(square: np.ndarray, product: np.ndarray, n: np.ndarray, penalty: float) -> np.ndarray:
        ridged = square + (penalty * np.maximum(n, 1.0))[..., None, None] * eye
        return np.asarray(np.linalg.solve(ridged, product[..., None])[..., 0])

    square, product, n = (total.sum(axis=0) - total for total in (squares, products, rows))
    said = [np.einsum("dnrf,dhrf->dnhr", features, solved(square, product, n, penalty)) for penalty in RIDGE]
    errors = [np.nansum((targets - one) ** 2, axis=(0, 1, 3)) for one in said]
    best = np.argmin(errors, axis=0)
    penalties = np.array(RIDGE)[best]
    square, product, n = (total.sum(axis=0) for total in (squares, products, rows))
    slopes = np.stack([solved(square[h], product[h], n[h], penalties[h]) for h in range(HORIZONS)])
    return slopes, penalties, np.stack([said[b][:, :, h] for h, b in enumerate(best)], axis=2)


def _held(now: np.ndarray, time_of_day: np.ndarray) -> np.ndarray:
    """Persistence (D, n, H, R) as a deviation from the profile: the travel time of now (`now`, (D, n, R)) goes on."""
    base = _ahead(time_of_day[None])[:, : now.shape[1]]
    return (now + time_of_day[: now.shape[1]])[:, :, None] - base


def _stacked(learned: np.ndarray, held: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Weights (H, 2) of ridge and persistence that fit best, none below 0, together at most 1."""
    weights = np.zeros((HORIZONS, 2))
    for h in range(HORIZONS):
        known = np.isfinite(targets[:, :, h]) & np.isfinite(held[:, :, h])
        if known.any():
            columns = np.stack([learned[:, :, h][known], held[:, :, h][known]], axis=1)
            found, _ = nnls(columns, targets[:, :, h][known])
            weights[h] = found / max(float(found.sum()), 1.0)
    return weights


def _combination(learned: np.ndarray, held: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return learned * weights[:, :1] + held * weights[:, 1:]


def _offsets(errors: np.ndarray, coverage: float) -> np.ndarray:
    """Quantiles (2, H, R) of errors (D, n, H, R) around 0, each horizon's reaching at least as far as the nearer's."""
    flat = errors.reshape(-1, *errors.shape[2:])
    bounds = np.zeros((2, *flat.shape[1:]))
    for h, r in np.ndindex(flat.shape[1:]):
        known = flat[np.isfinite(flat[:, h, r]), h, r]
        if len(known):
            bounds[:, h, r] = np.quantile(known, [(1 - coverage) / 2, (1 + coverage) / 2])
    low, high = np.minimum(bounds[0], 0.0), np.maximum(bounds[1], 0.0)
    return np.stack([np.minimum.accumulate(low), np.maximum.accumulate(high)])


def scores(model: Model, seen: np.ndarray, travel_s: np.ndarray) -> list[dict[str, float | str]]:
    """How good the forecasts of whole days (D, n, R) are: a row for each horizon and method.

    `mae_s` and `mape_percent` are means over days, over intervals with a known time. `against_X_s` is the mean over
    days by which a day's MAE differs from that of method X (below 0 is better), `against_X_half_s` half of its 95 %
    interval (Student's t over days, paired). `last_true` holds the last true travel time, `quarter_true` the mean of
    the last three: no detector tells them, they are what persistence could be if every vehicle reported.
    `inside_percent`: true times inside the combination's interval.
    """
    told = [forecast(model, day) for day in seen]
    said = {name: np.stack([one.by_method[name] for one in told]) for name in METHODS}
    last_s = _last_known(travel_s)
    for name, held_s in (("last_true", last_s), ("quarter_true", _recent(np.nan_to_num(last_s), LAGS))):
        said[name] = np.repeat(held_s[:, :, None], HORIZONS, axis=2)
    truth = _ahead(travel_s)
    judged = np.isfinite(truth) & np.all([np.isfinite(values) for values in said.values()], axis=0)
    mae_s = {name: _by_day(np.abs(values - truth), judged) for name, values in said.items()}
    mape = {name: _by_day(100 * np.abs(values / truth - 1), judged) for name, values in said.items()}
    low_s, high_s = (np.stack([getattr(one, side) for one in told]) for side in ("low_s", "high_s"))
    inside = _by_day(100.0 * ((truth >= low_s) & (truth <= high_s)), judged)
    half = student.ppf(0.975, max(len(seen) - 1, 1)) / np.sqrt(len(seen))
    rows: list[dict[str, float | str]] = []
    for h, name in ((h, name) for h in range(HORIZONS) for name in said):
        row: dict[str, float | str] = {"horizon": h, "method": name}
        row |= {"mae_s": float(mae_s[name][:, h].mean()), "mape_percent": float(mape[name][:, h].mean())}
        for other in ("persistence", "last_true", "quarter_true", "profile"):
            less = mae_s[name][:, h] - mae_s[other][:, h]
            row[f"against_{other}_s"] = float(less.mean())
            row[f"against_{other}_half_s"] = float(half * less.std(ddof=1)) if len(less) > 1 else float("nan")
        rows.append(row | ({"inside_percent": float(inside[:, h].mean())} if name == "combined" else {}))
    return rows


def _by_day(values: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """Means (D, H) of values (D, n, H, R) where they are judged."""
    kept = np.where(judged, values, np.nan).swapaxes(1, 2)
    return mean_of(kept.reshape(*kept.shape[:2], -1), axis=2)


def _last_known(travel_s: np.ndarray) -> np.ndarray:
    """Each road's last known time (D, n, R) so far; NaN before the first."""
    latest = np.where(np.isfinite(travel_s), np.arange(travel_s.shape[1])[None, :, None], 0)
    return np.take_along_axis(travel_s, np.maximum.accumulate(latest, axis=1), axis=1)
