"""The points of an adaptive sweep: Optuna's tree of Parzen estimators on one key figure, asked in fixed batches.

A batch is proposed before any of it is told, so the points depend on the file and the results alone, whoever runs them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twin.errors import MissingExtraError
from twin.kpi import catalogue
from twin.sweep.design import Point, grid
from twin.sweep.plan import Sweep


class Search:
    """Optuna's study of a sweep. Raises MissingExtraError where Optuna is not installed."""

    def __init__(self, sweep: Sweep) -> None:
        try:
            import optuna
        except ImportError as error:
            raise MissingExtraError("adaptive sweeps need: pip install 'trenggalek-twin[sweep]'") from error
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.sweep, self.kpi, self.failed = sweep, sweep.design.kpi or "", optuna.trial.TrialState.FAIL
        up = (sweep.design.better or catalogue()[self.kpi].better) == "up"
        self.study = optuna.create_study(
            direction="maximize" if up else "minimize", sampler=optuna.samplers.TPESampler(seed=sweep.design.seed)
        )
        self.left = sweep.design.points or 0
        self.asked: list[Any] = []

    def ask(self) -> list[Point]:
        """The next batch; empty when all points are asked."""
        n = min(self.left, self.sweep.design.batch)
        self.left -= n
        self.asked = [self.study.ask() for _ in range(n)]
        return [self._point(trial) for trial in self.asked]

    def tell(self, values: Sequence[float | None]) -> None:
        """The figure at each point of the batch; None where it has none."""
        for trial, value in zip(self.asked, values, strict=True):
            if value is None:
                self.study.tell(trial, state=self.failed)
            else:
                self.study.tell(trial, value)

    def _point(self, trial: Any) -> Point:
        point: Point = {}
        for path, one in self.sweep.parameters.items():
            whole = self.sweep.whole(path)
            if one.values is not None:
                values = grid(one, whole)
                point[path] = values[trial.suggest_categorical(path, range(len(values)))]
            elif whole:
                point[path] = trial.suggest_int(path, *map(int, one.bounds), log=one.log)
            else:
                point[path] = trial.suggest_float(path, *one.bounds, log=one.log)
        return point
