"""Answers to a what-if: at once from a finished run or a surrogate that says its error, then from the real run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from dashboards import runs
from dashboards.compare import keep
from dashboards.jobs import jobs
from dashboards.levers import overrides
from dashboards.progress import follow
from dashboards.runs import File
from dashboards.scenarios import Base, save
from dashboards.surrogate import Answer, answers, unknown
from dashboards.tables import signed
from dashboards.text import amount, language, money, t, title
from twin.kpi import catalogue
from twin.runner import run_key
from twin.scenario import Scenario
from twin.wording import said

HEADLINE = (
    "traffic_delay_s", "solar_saving_idr_month", "solar_npv_idr", "ecobalance_revenue_idr", "unemployment_percent",
    "jobtren_vacancies", "aipreneur_businesses", "pad_idr", "budget_closing_idr",
)  # fmt: skip
SEED = 1


class Variant(NamedTuple):
    """A scenario that levers and assumptions made; `file` is its run, where it was run before."""

    settings: tuple[str, ...]
    scenario: Scenario
    file: File | None


def finished(scenario: Scenario, seed: int = SEED) -> File | None:
    """The run of this very scenario by this very code."""
    found = sorted(runs.folder().glob(f"*-{run_key(scenario, seed)}.sqlite"))
    return runs.file_of(found[0]) if found else None


def instant(base: Base, values: Mapping[str, Any], edits: list[str]) -> Variant:
    """Show the best answer there is without waiting. Raises ScenarioError for values that do not go together."""
    settings = tuple([*overrides(base.scenario, values), *edits])
    scenario = Scenario.load(base.source, settings)
    variant = Variant(settings, scenario, finished(scenario))
    st.subheader(t("instant.title"))
    afford(scenario)
    base_file = finished(base.scenario)
    if variant.file is not None and runs.about(variant.file).fault is None:
        st.success(t("instant.exact", run=variant.file.stem))
        headline(runs.values(variant.file), runs.values(base_file) if base_file else {})
        return variant
    if edits:
        st.info(t("instant.edited", n=len(edits)))
    fitted = answers(base.name, values, scenario.horizon_months)
    if not fitted:
        st.info(t("instant.none"))
        if base_file is not None:
            headline(runs.values(base_file), {})
            st.caption(t("instant.base_shown", name=base.name))
        return variant
    st.warning(t("instant.fitted"))
    if left_out := unknown(base.name, values, scenario.horizon_months):
        st.caption(t("instant.left_out", levers=", ".join(t(f"lever.{name}") for name in left_out)))
    estimates(fitted, runs.values(base_file) if base_file else {})
    return variant


def afford(scenario: Scenario) -> None:
    """Say so where the programmes' capital exceeds what is set aside."""
    if scenario.programmes is None:
        return
    needed = capital_idr(scenario)
    if needed > scenario.programmes.budget_idr:
        st.error(t("afford.no", needed=money(needed), budget=money(scenario.programmes.budget_idr)))


def capital_idr(scenario: Scenario) -> float:
    """Capital of the programmes that start within the horizon, by the book's budgets at the scenario's case [Rp]."""
    from twin.programmes.benefits import capital_idr as capital_of
    from twin.programmes.facts import holding, inputs

    options = scenario.programmes
    assert options is not None  # noqa: S101 (asked for scenarios with programmes alone)
    total = 0.0
    for key, start in options.starts.model_dump().items():
        if start is not None and start < scenario.horizon_months:
            table = holding(inputs(options.assumptions, key), options.inputs.get(key, {}))
            at = {name: one.at(options.case) for name, one in table.items()}
            total += float(capital_of(key, at, options.budget_basis))
    return total


def headline(values: Mapping[str, float], base: Mapping[str, float]) -> None:
    """The figures that are looked at first, with their change from the base."""
    shown = [name for name in HEADLINE if name in values]
    for number_, name in enumerate(shown):
        if number_ % 3 == 0:
            columns = st.columns(3)
        kpi = catalogue()[name]
        delta = values[name] - base[name] if name in base else None
        columns[number_ % 3].metric(
            title(kpi) + (" *" if kpi.prior else ""),
            amount(values[name], kpi.unit),
            None if not delta else signed(delta),
            delta_color="normal" if kpi.better == "up" else "inverse",
            help=f"{kpi.formula}. {said(kpi.source, language())}. {said(kpi.prior_note, language())}",
        )
    st.caption(t("prior.legend"))


def estimates(fitted: Mapping[str, Answer], base: Mapping[str, float]) -> None:
    """Fitted figures, each with the error it has on runs that were left out."""
    rows = []
    for name in [*HEADLINE, *(name for name in fitted if name not in HEADLINE)]:
        if name not in fitted:
            continue
        kpi, one = catalogue()[name], fitted[name]
        rows.append(
            {
                t("column.figure"): title(kpi) + (" *" if kpi.prior else ""),
                t("column.estimate"): told_of(one, kpi.unit),
                t("column.from_base"): signed(one.value - base[name]) if name in base and one.useful else "–",
            }
        )
    st.dataframe(pd.DataFrame(rows[: len(HEADLINE)]), hide_index=True)
    with st.expander(t("instant.more", n=max(0, len(rows) - len(HEADLINE)))):
        st.dataframe(pd.DataFrame(rows[len(HEADLINE) :]), hide_index=True)
    st.caption(t("instant.error") + " " + t("prior.legend"))


def told_of(one: Answer, unit: str) -> str:
    """An estimate with its error; that the run alone can tell where the error is as large as what the levers move."""
    return f"≈ {amount(one.value, unit)} ± {amount(one.error, unit)}" if one.useful else t("instant.useless")


def real_run(base: Base, variant: Variant) -> None:
    """Start, watch, cancel the real run; keep it for comparison; save, share and download it."""
    st.subheader(t("real.title"))
    job = jobs().get(st.session_state.get("job", ""))
    if variant.file is None and st.button(t("real.start"), type="primary", help=t("real.help")):
        name = f"name=what-if-{variant.scenario.digest[:6]}"
        job = jobs().start(base.source, [*variant.settings, name], SEED, runs.folder())
        st.session_state["job"] = job.key
    if job is None and variant.file is None:  # a page that was loaded again finds the run that it asked for
        job = jobs().of(base.source, variant.settings)
    if job is not None:
        follow(job)
    if variant.file is not None:
        kept(variant.file)
    share(base, variant)


def kept(file: File) -> None:
    """A finished run: compare, download."""
    row = st.container(horizontal=True)
    row.button(t("real.compare"), key="keep", on_click=keep, args=(file.stem,), type="primary")
    row.download_button(
        t("real.download_run"),
        Path(file.path).read_bytes,
        f"{file.stem}.sqlite",
        "application/vnd.sqlite3",
        on_click="ignore",
    )


def share(base: Base, variant: Variant) -> None:
    """The address says all levers; a name makes it a scenario of its own."""
    with st.expander(t("share.title")):
        st.markdown(t("share.address"))
        st.code(
            f"python -m twin run {base.source}" + "".join(f" \\\n  --set '{one}'" for one in variant.settings),
            language="shell",
            wrap_lines=True,
        )
        with st.form("save", border=False):
            name = st.text_input(t("share.name"), max_chars=64, help=t("share.name_help"))
            if st.form_submit_button(t("share.save")):
                path = save(base, name, variant.settings, t("share.description", base=base.name))
                st.success(t("share.saved", path=path))
