"""The map of the regency: offices as points; boundaries below them where a GeoJSON is given. Needs no map server."""

from __future__ import annotations

import json
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from dashboards import figures, runs
from dashboards.runs import File
from dashboards.text import named, t
from twin.errors import PlacesError
from twin.palette import PALETTE

SHAPES = ("Polygon", "MultiPolygon")
MOST_FEATURES = 5000


def village_map(file: File) -> None:
    """Offices coloured by what the visitor picks."""
    layers = {"served": solar_served, "unmet": outage_unmet, "unemployed": unemployment}
    left, right = st.columns(2)
    what = left.selectbox(t("map.what"), list(layers), format_func=named("map", layers), key="map_what")
    given = right.file_uploader(t("map.boundaries"), type=["geojson", "json"], help=t("map.boundaries_help"))
    values = layers[what](file)
    if values.empty:
        st.info(t("map.nothing"))
        return
    chart = points_chart(file, values, what)
    if given is not None:
        shapes = boundaries(given.getvalue(), given.name)
        outline = alt.Chart(alt.Data(values=shapes)).mark_geoshape(fill="#F2F2F2", stroke=PALETTE[7], strokeWidth=0.6)
        chart = outline + chart
    figures.show_chart(chart.project("mercator").properties(height=420), t(f"map.{what}"), t("map.basis"))


def month_map(file: File, month: str) -> None:
    """Open unemployment of every kecamatan in a month, on one scale for all months."""
    table = runs.table(file, "labour_month")
    if table.empty:
        return
    rates = table.assign(value=100 * table.unemployed / (table.unemployed + table.employed))
    now = rates.loc[rates.month == month, ["kecamatan", "value"]]
    chart = points_chart(file, now, "unemployed", (float(rates.value.min()), float(rates.value.max())))
    figures.show_chart(chart.project("mercator").properties(height=300), t("map.unemployed"), t("map.basis"))


def points_chart(
    file: File, values: pd.DataFrame, what: str, domain: tuple[float, float] | None = None
) -> alt.Chart | alt.LayerChart:
    """Offices as points, coloured by a value of theirs or of their kecamatan."""
    key = "code" if "code" in values.columns else "kecamatan"
    places = sites(file).merge(values, on=key, how="left")
    scale = alt.Scale(scheme="viridis") if domain is None else alt.Scale(scheme="viridis", domain=domain)
    seats = places.groupby("kecamatan", as_index=False)[["longitude_deg", "latitude_deg"]].mean()
    where = {"longitude": "longitude_deg:Q", "latitude": "latitude_deg:Q"}
    others = alt.Chart(places[places.value.isna()]).mark_circle(size=40, color="#BBBBBB").encode(**where)
    names = alt.Chart(seats).mark_text(dy=-12, fontSize=11).encode(**where, text="kecamatan:N")
    points = (
        alt.Chart(places.dropna(subset=["value"]))
        .mark_circle(size=80, opacity=0.75, stroke="#333333", strokeWidth=0.5)
        .encode(
            longitude="longitude_deg:Q",
            latitude="latitude_deg:Q",
            color=alt.Color("value:Q", title=t(f"map.{what}_unit"), scale=scale),
            tooltip=[
                alt.Tooltip("office:N", title=t("map.office")),
                alt.Tooltip("kecamatan:N", title=t("map.kecamatan")),
                alt.Tooltip("value:Q", title=t(f"map.{what}_unit"), format=".2f"),
                alt.Tooltip("location_precision:N", title=t("map.precision")),
            ],
        )
    )
    return others + points + names


def sites(file: File) -> pd.DataFrame:
    """Where the offices of a run are."""
    rows = [
        (s.code, s.name, s.kecamatan, s.latitude_deg, s.longitude_deg, s.location_precision)
        for s in runs.scenario(file).places.sites()
    ]
    return pd.DataFrame(
        rows, columns=["code", "office", "kecamatan", "latitude_deg", "longitude_deg", "location_precision"]
    )


def solar_served(file: File) -> pd.DataFrame:
    """Share of an office's load that its system carried [%]."""
    table = runs.table(file, "solar_month")
    if table.empty:
        return table
    total = table.groupby("code", as_index=False)[["served_kwh", "load_kwh", "vehicles_kwh"]].sum()
    return total.assign(value=100 * total.served_kwh / (total.load_kwh + total.vehicles_kwh))[["code", "value"]]


def outage_unmet(file: File) -> pd.DataFrame:
    """Load that nobody met in PLN's outages [kWh over the run]."""
    table = runs.table(file, "solar_reliability")
    if table.empty:
        return table
    total = table.groupby("code", as_index=False)[["unmet_kwh"]].sum()
    return total.rename(columns={"unmet_kwh": "value"})


def unemployment(file: File) -> pd.DataFrame:
    """Open unemployment of each kecamatan in the last month [%]."""
    table = runs.table(file, "labour_month")
    if table.empty:
        return table
    last = table[table.month == table.month.iloc[-1]]
    return last.assign(value=100 * last.unemployed / (last.unemployed + last.employed))[["kecamatan", "value"]]


def boundaries(content: bytes, name: str) -> dict[str, Any]:
    """A GeoJSON's polygons. Raises PlacesError where it is no such file, or lies elsewhere."""
    try:
        read = json.loads(content)
    except (UnicodeDecodeError, ValueError) as error:
        raise PlacesError(name, [f"is no JSON ({error}): expected a GeoJSON FeatureCollection of polygons"]) from None
    features = read.get("features") if isinstance(read, dict) else None
    if not isinstance(features, list):
        raise PlacesError(name, ["has no `features`: expected a GeoJSON FeatureCollection of polygons"])
    shapes = [f for f in features if isinstance(f, dict) and (f.get("geometry") or {}).get("type") in SHAPES]
    if not shapes or len(shapes) > MOST_FEATURES:
        raise PlacesError(name, [f"has {len(shapes)} polygons: expected 1 to {MOST_FEATURES}"])
    return {"type": "FeatureCollection", "features": shapes}
