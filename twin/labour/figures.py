"""Charts of the labour market: the Beveridge curve, and who finds work."""

from __future__ import annotations

from collections.abc import Callable

import altair as alt

from twin.palette import PALETTE
from twin.run import Run

Chart = alt.Chart | alt.LayerChart | None


def beveridge(run: Run) -> Chart:
    """Open seats against unemployment, month after month: along the curve demand moves, across it the matching."""
    if not run.has("labour_total"):
        return None
    total = run.table("labour_total")
    total["open_seats_percent"] = 100 * total.open_seats / (total.employed + total.unemployed)
    total["number"] = range(len(total))
    x = alt.X("tpt_percent:Q", title="open unemployment (TPT) [%]", scale=alt.Scale(zero=False))
    y = alt.Y("open_seats_percent:Q", title="open seats over the labour force [%]", scale=alt.Scale(zero=False))
    base = alt.Chart(total).encode(x=x, y=y)
    path = base.mark_line(color="#8C8C8C").encode(order="number:Q")
    tooltip = ["month", alt.Tooltip("tpt_percent:Q", format=".2f"), alt.Tooltip("open_seats_percent:Q", format=".2f")]
    points = base.mark_point(filled=True, size=70, color=PALETTE[0]).encode(tooltip=tooltip)
    ends = alt.Chart(total.iloc[[0, -1]]).mark_text(dy=-12).encode(x=x, y=y, text="month:N")
    return path + points + ends


def who_gains(run: Run) -> Chart:
    """Of those who searched, how many found work in a month: first and last month, by sex, age and education."""
    if not run.has("labour_group"):
        return None
    rows = run.table("labour_group")
    rows = rows[rows.month.isin([rows.month.iloc[0], rows.month.iloc[-1]])].dropna(subset=["finding_percent"])
    rows["group"] = rows.dimension + ": " + rows.category
    y = alt.Y("group:N", sort=None, title=None)
    lines = alt.Chart(rows).mark_line(color="#8C8C8C").encode(y=y, x="finding_percent:Q", detail="group:N")
    points = (
        alt.Chart(rows)
        .mark_point(filled=True, size=80)
        .encode(
            y=y,
            x=alt.X("finding_percent:Q", title="found work in the month, of those who searched [%]"),
            color=alt.Color("month:N", scale=alt.Scale(range=[PALETTE[4], PALETTE[5]])),
            tooltip=["group", "month", alt.Tooltip("finding_percent:Q", format=".1f"), "hired", "unemployed"],
        )
    )
    return lines + points


TITLES: dict[Callable[[Run], Chart], str] = {
    beveridge: "Beveridge curve: open seats against unemployment (search is a prior)",
    who_gains: "Who finds work: first and last month",
}
