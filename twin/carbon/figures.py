"""Charts of the carbon market: price beside IDXCarbon's, tonnes by mechanism, offsets against targets."""

from __future__ import annotations

from collections.abc import Callable

import altair as alt
import pandas as pd

from twin.palette import PALETTE
from twin.run import Run

Chart = alt.Chart | alt.LayerChart | None

CANDLES = 60  # trading days that are drawn
MECHANISMS = ("regular", "negotiated", "auction", "marketplace")


def carbon_price(run: Run) -> Chart:
    """Daily range and close beside the simulated IDXCarbon."""
    if not run.has("carbon_day"):
        return None
    days = run.table("carbon_day")
    x = alt.X("day:T", title="day")
    y = alt.Y("low_idr:Q", title="price [Rp/t]", scale=alt.Scale(zero=False))
    ranges = alt.Chart(days).mark_rule(color=PALETTE[0], opacity=0.5).encode(x=x, y=y, y2="high_idr:Q")
    lines = days.melt("day", ["close_idr", "reference_idr"], "price", "idr")
    lines["price"] = lines.price.map({"close_idr": "close", "reference_idr": "IDXCarbon (simulated)"})
    closes = (
        alt.Chart(lines)
        .mark_line()
        .encode(x=x, y="idr:Q", color=alt.Color("price:N", scale=alt.Scale(range=PALETTE)), tooltip=["day", "idr"])
    )
    return ranges + closes


def carbon_volume(run: Run) -> Chart:
    """Tonnes traded in each mechanism, month by month."""
    if not run.has("carbon_month"):
        return None
    table = run.table("carbon_month").rename(columns={f"{name}_tco2e": name for name in MECHANISMS})
    lots = table.melt("month", list(MECHANISMS), "mechanism", "tco2e")
    return (
        alt.Chart(lots)
        .mark_bar()
        .encode(
            x=alt.X("month:O", title="month"),
            y=alt.Y("tco2e:Q", title="traded [tCO2e]"),
            color=alt.Color("mechanism:N", scale=alt.Scale(range=PALETTE)),
            tooltip=["month", "mechanism", alt.Tooltip("tco2e:Q", format=",.0f")],
        )
    )


def carbon_offset(run: Run) -> Chart:
    """What companies, and those who offset of their own will, have retired against their targets."""
    if not run.has("carbon_offset"):
        return None
    table = run.table("carbon_offset")
    shown = pd.concat(
        table.assign(what=what, tco2e=table[column])
        for what, column in (("retired", "offset_tco2e"), ("target", "target_tco2e"))
    )
    return (
        alt.Chart(shown)
        .mark_line(point=True)
        .encode(
            x=alt.X("month:O", title="month"),
            y=alt.Y("tco2e:Q", title="since the start [tCO2e]"),
            color=alt.Color("segment:N", scale=alt.Scale(range=PALETTE)),
            strokeDash="what:N",
            tooltip=["month", "segment", "what", alt.Tooltip("tco2e:Q", format=",.0f")],
        )
    )


def carbon_candles(run: Run) -> Chart:
    """Candles of the last sixty trading days on the regular market: open, high, low, close."""
    if not run.has("carbon_day"):
        return None
    days = run.table("carbon_day").tail(CANDLES)
    days["day_is"] = (days.close_idr >= days.open_idr).map({True: "up", False: "down"})
    color = alt.Color("day_is:N", scale=alt.Scale(domain=["up", "down"], range=[PALETTE[0], PALETTE[5]]))
    tooltip = ["day", "open_idr", "high_idr", "low_idr", "close_idr", "volume_tco2e", "halts"]
    base = alt.Chart(days).encode(x=alt.X("day:O", title="day", axis=alt.Axis(labelOverlap=True)), color=color)
    y = alt.Y("low_idr:Q", title="price [Rp/t]", scale=alt.Scale(zero=False))
    wicks = base.mark_rule().encode(y=y, y2="high_idr:Q")
    return wicks + base.mark_bar(size=7).encode(y="open_idr:Q", y2="close_idr:Q", tooltip=tooltip)


def carbon_depth(run: Run) -> Chart:
    """The order book as the last month's session ended: tonnes that wait at a price or a better one."""
    if not run.has("carbon_depth"):
        return None
    book = run.table("carbon_depth")
    book = book[book.day == book.day.max()]
    if book.empty:
        return None
    sides = [
        side.sort_values("price_idr", ascending=name == "sell").assign(waiting=lambda rows: rows.lots.cumsum())
        for name, side in book.groupby("side")
    ]
    return (
        alt.Chart(pd.concat(sides))
        .mark_area(interpolate="step", opacity=0.6, line=True)
        .encode(
            x=alt.X("price_idr:Q", title="price [Rp/t]", scale=alt.Scale(zero=False)),
            y=alt.Y("waiting:Q", title="waiting at this price or a better one [tCO2e]", stack=None),
            color=alt.Color("side:N", scale=alt.Scale(domain=["buy", "sell"], range=[PALETTE[0], PALETTE[5]])),
            tooltip=["day", "side", "price_idr", "lots", "waiting", "orders"],
        )
    )


TITLES: dict[Callable[[Run], Chart], str] = {
    carbon_price: "Carbon: daily prices beside IDXCarbon (simulated)",
    carbon_candles: "Carbon: candles of the last sixty trading days (regular market)",
    carbon_depth: "Carbon: the order book at the end of the last month",
    carbon_volume: "Carbon: tonnes traded by mechanism",
    carbon_offset: "Carbon: offsets against targets",
}
