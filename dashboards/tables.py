"""Tables that several pages show: figures against targets with their probability, and runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from dashboards import runs
from dashboards.runs import File
from dashboards.text import language, number, programme, t, title, unit_of
from twin.kpi import catalogue
from twin.wording import said

STUDY_SEEDS = 40
LEAST_SEEDS = 5  # of fewer no probability is told


def seeds_of(file: File) -> list[File]:
    """Runs of the same scenario with other seeds, this one included."""
    digest = runs.about(file).digest
    by_seed = {runs.about(one).seed: one for one in runs.sound() if runs.about(one).digest == digest}
    return list({**by_seed, runs.about(file).seed: file}.values())


@st.cache_data(max_entries=20, show_spinner=False)
def study(file: File) -> Mapping[str, float]:
    """Probability of the moving programmes' targets over seeds, these programmes alone (`twin.programmes.studies`)."""
    from twin.programmes import studies

    found = studies.targets(runs.scenario(file), range(1, STUDY_SEEDS + 1))
    return {row["kpi"]: row["probability"] for row in found if row["probability"] is not None}


def probabilities(files: Sequence[File], studied: Mapping[str, float]) -> dict[str, tuple[float, int]]:
    """Share of the seeds in which each target is met, and of how many seeds; a study counts more than a few runs."""
    found: dict[str, tuple[float, int]] = {}
    for name, kpi in catalogue().items():
        met = [kpi.met(value) for file in files if (value := runs.values(file).get(name)) is not None]
        known = [one for one in met if one is not None]
        if name in studied:
            found[name] = studied[name], STUDY_SEEDS
        elif known:
            found[name] = sum(known) / len(known), len(known)
    return found


def targets_table(file: File) -> None:
    """Figures with a target: value, target, verdict, and how likely it is over seeds."""
    files = seeds_of(file)
    wanted = st.toggle(t("targets.study", n=STUDY_SEEDS), key="target_study", help=t("targets.study_help"))
    with st.spinner(t("targets.computing")):
        studied = study(file) if wanted and runs.scenario(file).programmes is not None else {}
    likely = probabilities(files, studied)
    rows = []
    for one in runs.scores(file):
        kpi, value = one.kpi, one.value
        if kpi.target is None or value is None:
            continue
        share, seeds = likely.get(kpi.name, (float("nan"), 0))
        share = share if seeds >= LEAST_SEEDS else float("nan")
        rows.append(
            {
                t("column.programme"): programme(kpi.programme),
                t("column.figure"): title(kpi),
                t("column.value"): number(value) + (" *" if kpi.prior else ""),
                t("column.target"): f"{'≥' if kpi.target_op == '>=' else '≤'} {number(kpi.target)}",
                t("column.unit"): unit_of(kpi.unit),
                t("column.met"): t("yes") if kpi.met(value) else t("no"),
                t("column.probability"): 100 * share,
                t("column.seeds"): seeds,
                t("column.source"): said(kpi.source, language()),
                t("column.prior"): said(kpi.prior_note, language()) if kpi.prior else "",
            }
        )
    missing = sum(one.kpi.target is not None and one.value is None for one in runs.scores(file))
    if rows:
        bar = st.column_config.ProgressColumn(t("column.probability"), min_value=0, max_value=100, format="%.0f %%")
        st.dataframe(pd.DataFrame(rows), hide_index=True, column_config={t("column.probability"): bar})
    st.caption(t("targets.note", n=len(files), least=LEAST_SEEDS, missing=missing) + " " + t("prior.legend"))


def comparison(variants: Mapping[str, Mapping[str, float]], only: Sequence[str] | None = None) -> pd.DataFrame:
    """Figures in rows, variants in columns, and the difference of each from the first."""
    first = next(iter(variants))
    rows = []
    for name, kpi in catalogue().items():
        if (only is not None and name not in only) or not any(name in values for values in variants.values()):
            continue
        row: dict[str, str | float | None] = {
            t("column.programme"): programme(kpi.programme),
            t("column.figure"): title(kpi) + (" *" if kpi.prior else ""),
            t("column.unit"): unit_of(kpi.unit),
        }
        for label, values in variants.items():
            row[label] = number(values.get(name))
            if label != first:
                both = name in values and name in variants[first]
                row[f"Δ {label}"] = signed(values[name] - variants[first][name]) if both else "–"
        row[t("column.better")] = t(f"better.{kpi.better}")
        rows.append(row)
    return pd.DataFrame(rows)


def signed(value: float) -> str:
    """A difference with its sign."""
    return ("+" if value > 0 else "") + number(value)


def sector_figures(file: File, key: str) -> None:
    """The figures of one programme that a run has, as a table with unit, source and prior."""
    rows = [
        {
            t("column.figure"): title(one.kpi) + (" *" if one.kpi.prior else ""),
            t("column.value"): number(one.value),
            t("column.unit"): unit_of(one.kpi.unit),
            t("column.better"): t(f"better.{one.kpi.better}"),
            t("column.source"): said(one.kpi.source, language()),
            t("column.prior"): said(one.kpi.prior_note, language()) if one.kpi.prior else "",
        }
        for one in runs.scores(file)
        if one.kpi.programme == key and one.value is not None
    ]
    if rows:
        st.markdown(f"**{programme(key)}**")
        st.dataframe(pd.DataFrame(rows), hide_index=True)
        st.caption(t("prior.legend"))
    else:
        st.info(t("sector.nothing", name=programme(key)))
