"""The report: one self-contained HTML page about a run, with its key figures, charts, priors and provenance."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import vl_convert
from markupsafe import Markup

from twin.figures import FIGURES, bases
from twin.files import write_whole
from twin.html import TEMPLATES
from twin.kpi import catalogue, score
from twin.programmes import budget
from twin.run import Run
from twin.sensitivity.table import of_scenario


def write_report(run: Run, to: Path | None = None) -> Path:
    """Write the page, by default beside the run with the suffix .html, and return its path."""
    return write_whole(to or run.path.with_suffix(".html"), render(run))


def render(run: Run) -> str:
    """The page as text. It refers to nothing outside itself."""
    charts = {name: chart.to_dict() for name, figure in FIGURES.items() if (chart := figure(run)) is not None}
    scores = score(run)
    return TEMPLATES.get_template("report.html.j2").render(
        run=run,
        groups=scores.by_programme(),
        missing=sum(s.value is None for s in scores),
        titles={name: kpi.title_en for name, kpi in catalogue().items()},
        sensitivity=of_scenario(run.path.parent, run.digest),
        charts={name: bases()[name] for name in charts},
        specs=_script_json(charts),
        library=Markup(_library()),  # noqa: S704 (the bundled chart library)
        differences=budget.differences() if run.scenario.programmes is not None else [],
        provenance={k: v for k, v in run.provenance.items() if k not in ("scenario", "versions")},
        versions=run.provenance["versions"],
        scenario=json.dumps(run.scenario.resolved(), indent=2, ensure_ascii=False),
    )


def _script_json(data: Any) -> Markup:
    """JSON that is safe inside a script element."""
    return Markup(json.dumps(data).replace("<", "\\u003c"))  # noqa: S704 (no tag can be opened in it)


@functools.cache
def _library() -> str:
    """Vega-Lite and what it needs, as one script."""
    bundle: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub forgets the default
    return bundle.replace("</script", "<\\/script")
