"""EcoBalance's final report of a project as a draft: what a run monitored (table `carbon_mrv`) beside what was claimed.

A run is a simulation or a replay: the draft says so, and is for a verifier to check, not a verified report. Standard
errors of months are added, as if one instrument erred in all of them: that can only make the interval too wide.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from twin.errors import KnowledgeError
from twin.knowledge.documents.read import read
from twin.knowledge.review import PERIOD, Review, review
from twin.run import Run

Z_95 = 1.6449  # one-sided 95 % quantile, as credits are issued (twin/carbon/credits/mrv.py)


@dataclass(frozen=True)
class Monitored:
    """Rows of one activity by month, and their sums [tCO2e]; `gaps` are months between without a row."""

    activity: str
    boundaries: tuple[str, ...]
    rows: pd.DataFrame
    measured: float
    sd: float
    buffer: float
    issued: int
    gaps: tuple[str, ...]

    @property
    def interval(self) -> tuple[float, float]:
        """Within which the sum lies with 90 %: its lower end is what may be credited."""
        return self.measured - Z_95 * self.sd, self.measured + Z_95 * self.sd


def monitored(run: Run, activity: str) -> Monitored:
    """What a run monitored of an activity.

    Raises:
        KnowledgeError: the run monitored no carbon, or not this activity.
    """
    if not run.has("carbon_mrv"):
        raise KnowledgeError(str(run.path), ["has no table carbon_mrv: run a scenario with the section `carbon`"])
    table = run.table("carbon_mrv")
    rows = table[table.activity == activity].reset_index(drop=True)
    if rows.empty:
        known = ", ".join(sorted(set(table.activity))) or "none"
        raise KnowledgeError(str(run.path), [f"monitored nothing of {activity!r}; monitored: {known}"])
    months = pd.period_range(rows.month.iloc[0], rows.month.iloc[-1], freq="M").astype(str)
    return Monitored(
        activity, tuple(dict.fromkeys(rows.boundary)), rows, float(rows.measured_tco2e.sum()),
        float(rows.sd_tco2e.sum()), float(rows.buffer_tco2e.sum()), int(rows.issued_tco2e.sum()),
        tuple(month for month in months if month not in set(rows.month)),
    )  # fmt: skip


def inconsistencies(found: Review, months: Monitored, periods: list[tuple[int, int]]) -> list[str]:
    """Where what was monitored does not agree with the project document, or with itself."""
    said = [f"no row for {month}, between months that have one" for month in months.gaps]
    given = months.issued + months.buffer
    if given > months.measured:
        said.append(f"{given:,.1f} tCO2e were issued and buffered, of {months.measured:,.1f} measured")
    first, last = (int(str(months.rows.month.iloc[at])[:4]) for at in (0, -1))
    if periods and not any(begin <= first and last <= end for begin, end in periods):
        told = ", ".join(f"{begin}-{end}" for begin, end in periods)
        said.append(f"monitored {first}-{last}, outside of the document's period {told}")
    claim = found.stated_tco2e_per_year
    if claim is None:
        said.append("the document states no yearly reduction to compare with")
    else:
        share = len(months.rows) / 12
        low, high = (end / share for end in months.interval)
        if not low <= claim <= high:
            said.append(
                f"{claim:,.1f} tCO2e/year was claimed, {low:,.1f} to {high:,.1f} was monitored at a year's rate"
            )
    return said


def draft(project: Path, run: Run, activity: str) -> str:
    """The draft in Markdown. Raises KnowledgeError."""
    found, months = review(project), monitored(run, activity)
    periods = [(int(m[1]), int(m[2])) for block in read(project).blocks for m in PERIOD.finditer(block.text)]
    low, high = months.interval
    claim = found.stated_tco2e_per_year
    issues = inconsistencies(found, months, periods)
    lines = [
        f"# Final report (draft): {found.title}", "",
        "> Drafted from monitoring rows of a run of the twin, which is a simulation unless the run is a replay of "
        "measurements. The comparison means something only where the project's own boundary was monitored. To be "
        "checked by an independent verifier.", "",
        "## Project", "",
        f"- Document: {project.name}",
        f"- Activity monitored: {months.activity} ({'; '.join(months.boundaries)})",
        f"- Claimed: {f'{claim:,.1f} tCO2e/year' if claim is not None else 'not stated'}",
        f"- Run: {run.path.name}, scenario {run.scenario.name}, seed {run.seed}", "",
        "## Monitoring", "",
        "| month | measured [tCO2e] | standard error [tCO2e] | buffer [tCO2e] | issued [tCO2e] |",
        "|---|---:|---:|---:|---:|",
        *(
            f"| {r.month} | {r.measured_tco2e:,.3f} | {r.sd_tco2e:,.3f} | {r.buffer_tco2e:,.3f} | {r.issued_tco2e:,} |"
            for r in months.rows.itertuples()
        ),
        f"| **{len(months.rows)} months** | {months.measured:,.3f} | {months.sd:,.3f} | {months.buffer:,.3f} "
        f"| {months.issued:,} |", "",
        "## Reduction", "",
        f"{months.measured:,.1f} tCO2e, between {low:,.1f} and {high:,.1f} (90 %); {months.issued:,} tCO2e were issued "
        f"and {months.buffer:,.1f} kept by the buffer pool.", "",
        "## What does not agree", "",
        *([f"- {issue}" for issue in issues] or ["Nothing that was looked for."]), "",
        "## Open findings of the review", "",
        *([f"- **{f.severity}** {f.text} — {f.rule}" for f in found.findings] or ["None."]), "",
    ]  # fmt: skip
    return "\n".join(lines)
