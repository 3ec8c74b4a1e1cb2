"""The delay that no signal causes: an hour in which vehicles have green at every signal all the time.

Nobody crosses on foot, and no street could have it. What a control adds to it is its control delay (as in the Highway
Capacity Manual), the part that another control can change. A lower bound in practice, none in theory: vehicles whose
ways cross still see each other inside a junction.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from controllers.plan import SignalPlan
from twin.traffic.networks.locate import locate
from twin.traffic.signals.plans import signals_of
from twin.traffic.simulation.batch import Progress, simulate
from twin.traffic.studies.evaluate import detectors_for, hour

NAME = "uncontrolled"
DAY_S = 86400


def uncontrolled(
    network: str, seeds: Sequence[int], progress: Progress | None = None, **conditions: Any
) -> list[dict[str, Any]]:
    """One row a seed with all measures, as of a baseline; `conditions` are those of `evaluate.hour`.

    Raises NetworkError with SUMO's own message.
    """
    jobs = [hour(network, "shipped", {}, seed, **conditions) for seed in seeds]
    with tempfile.TemporaryDirectory(prefix="twin-uncontrolled-") as folder:
        opened = Path(folder) / "open.add.xml"
        signals = signals_of(locate(network).net_file, detectors_for(network).camera_range_m)
        opened.write_text(open_xml(signals.plans), encoding="utf-8")
        jobs = [
            replace(job, network=replace(job.network, additional_files=(*job.network.additional_files, opened)))
            for job in jobs
        ]
        answers = simulate(jobs, progress)
    return [
        {"network": network, "controller": NAME, "seed": seed, **answer["measures"]}
        for seed, answer in zip(seeds, answers, strict=True)
    ]


def open_xml(plans: Sequence[SignalPlan]) -> str:
    """A programme of SUMO's for every signal: green for every vehicle, red for every crossing, for a day."""
    logics = []
    for plan in plans:
        crossings = set(plan.crossings)
        state = "".join("r" if link in crossings else "G" for link in range(plan.links))
        logics.append(
            f'<tlLogic id={quoteattr(plan.name)} type="static" programID="{NAME}" offset="0">'
            f'<phase duration="{DAY_S}" state="{state}"/></tlLogic>'
        )
    return f"<additional>{''.join(logics)}</additional>"
