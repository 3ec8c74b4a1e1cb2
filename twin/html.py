"""Templates of the twin's pages, and how scenarios, runs and key figures look in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jinja2
from pydantic import BaseModel

from twin.show import number

if TYPE_CHECKING:
    from twin.kpi import Scores
    from twin.run import Run
    from twin.scenario import Scenario

TEMPLATES = jinja2.Environment(loader=jinja2.PackageLoader("twin"), autoescape=True, undefined=jinja2.StrictUndefined)
TEMPLATES.filters["number"] = number


def scenario_html(scenario: Scenario) -> str:
    """Every section with its values and what they mean; a value that differs from its default is bold."""
    sections = [
        (name, field.description or "", _values(getattr(scenario, name)))
        for name, field in type(scenario).model_fields.items()
        if isinstance(getattr(scenario, name), BaseModel)
    ]
    off = [name for name in type(scenario).model_fields if getattr(scenario, name) is None]
    return TEMPLATES.get_template("scenario.html.j2").render(scenario=scenario, sections=sections, off=off)


def _values(options: BaseModel) -> list[dict[str, Any]]:
    return [
        {
            "name": name, "value": str(getattr(options, name)), "meaning": field.description or "",
            "changed": getattr(options, name) != field.get_default(call_default_factory=True),
        }
        for name, field in type(options).model_fields.items()
    ]  # fmt: skip


def run_html(run: Run) -> str:
    """What was run with what, its tables, and its key figures."""
    return TEMPLATES.get_template("run.html.j2").render(run=run, figures=scores_html(run.kpis))


def scores_html(scores: Scores) -> str:
    """Key figures that have a value, by programme, against the source book's targets."""
    known = type(scores)(one for one in scores if one.value is not None)
    missing = len(scores) - len(known)
    return TEMPLATES.get_template("scores.html.j2").render(groups=known.by_programme(), missing=missing)
