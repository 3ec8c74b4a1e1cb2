"""Estimates beside the truth: a row of scores for each method, and a chart of what their intervals hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from twin.errors import LiveError
from twin.files import write_whole
from twin.live.estimate import scores
from twin.palette import PALETTE

LEVELS_PERCENT = (10, 20, 30, 40, 50, 60, 70, 80, 90, 95)
KINDS = (".html", ".svg")


@dataclass(frozen=True)
class Judged:
    """What a method said, as normal forecasts, at a share of working detectors; arrays of one shape, NaN truths out."""

    what: str
    unit: str
    detectors_percent: float
    method: str
    mean: np.ndarray
    sd: np.ndarray
    true: np.ndarray

    def row(self) -> dict[str, Any]:
        """Scores in the estimate's unit; `mean_sd` is how wide it is."""
        mean, sd, true = self._known()
        return {
            "what": self.what,
            "unit": self.unit,
            "detectors_percent": self.detectors_percent,
            "method": self.method,
            "rmse": scores.rmse(mean, true),
            "crps": scores.crps(mean, sd, true),
            "covered_90_percent": 100 * scores.coverage(mean, sd, true),
            "mean_sd": float(sd.mean()),
        }

    def reliability(self) -> list[dict[str, Any]]:
        """A row a level: the share of truths inside the central interval of that level."""
        mean, sd, true = self._known()
        shared = {"what": self.what, "detectors_percent": self.detectors_percent, "method": self.method}
        return [
            {**shared, "level_percent": level, "covered_percent": 100 * scores.coverage(mean, sd, true, level / 100)}
            for level in LEVELS_PERCENT
        ]

    def _known(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        known = ~np.isnan(self.true)
        return self.mean[known], self.sd[known], self.true[known]


def check_plot(to: Path) -> None:
    """Raise LiveError for a file that no chart can be written to."""
    if to.suffix not in KINDS:
        raise LiveError(f"--plot {to}: a chart is written to {' or '.join(KINDS)}")


def plot(judged: Sequence[Judged], title: str, to: Path) -> None:
    """Write what intervals promise against what they hold, as a page that opens offline or as SVG."""
    import altair as alt
    import pandas as pd
    import vl_convert

    rows = pd.DataFrame([row for one in judged for row in one.reliability()])
    share = alt.Scale(domain=[0, 100])
    promised = alt.X("level_percent:Q", title="level of the interval [%]", scale=share)
    held = (
        alt.Chart()
        .mark_line(point=True)
        .encode(
            x=promised,
            y=alt.Y("covered_percent:Q", title="truths inside [%]", scale=share),
            color=alt.Color("method:N", scale=alt.Scale(range=PALETTE)),
            tooltip=list(rows.columns),
        )
    )
    kept = alt.Chart().mark_line(color="#999999", strokeDash=[4, 4]).encode(x=promised, y="level_percent:Q")
    chart = (
        alt.layer(kept, held, data=rows)
        .properties(width=180, height=180)
        .facet(row=alt.Row("what:N", title=None), column=alt.Column("detectors_percent:O", title="detectors [%]"))
        .properties(title=title)
    )
    spec = chart.to_dict()
    write_whole(
        to, vl_convert.vegalite_to_svg(spec) if to.suffix == ".svg" else vl_convert.vegalite_to_html(spec, bundle=True)
    )
