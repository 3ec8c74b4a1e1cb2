"""A candidate in the shadow of a street that is heard just now, window after window, until it is stopped.

Every proposal is a line of a log as it is made. When a window is over the twin says what the candidate would have
brought in it: the cities that it holds possible are lived once, before the street is heard. What was not heard widens
the interval, and where too little was heard nothing is said. A window's decisions and verdict are a run like every
shadow's, for `replay` and `promote`.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from twin.errors import LiveError
from twin.live.intake import silence_s
from twin.live.mqtt import asked_to_stop, broker_at
from twin.live.shadow.counterfactual import belief, parameters
from twin.live.shadow.feeds import BrokerFeed, Feed, FolderFeed
from twin.live.shadow.moments import Decision, Moments, Window
from twin.live.shadow.policies import policies_of
from twin.live.shadow.run import judged, signals_for, written
from twin.live.shadow.street import lived
from twin.live.shadow.study import BELIEVED_SEED, twin_windows
from twin.live.store import ZONE
from twin.live.trust import kept
from twin.terminal import tell

WITHHELD = "withheld"
FIGURES = ("mean_s", "low_s", "high_s", "same_percent")


def feed_at(where: str) -> Callable[[], Feed]:
    """What opens the feed at a folder, or at a broker's HOST:PORT. Raises LiveError for neither."""
    if Path(where).is_dir():
        return lambda: FolderFeed(Path(where))
    broker = broker_at(where, None, None, None, None)
    return lambda: BrokerFeed(broker)


def follow(
    where: str, network: str, in_charge: str, candidate: str, seed: int, duration_s: int, draws: int,
    for_s: float | None, folder: Path, progress: Callable[..., None] = lambda *_: None,
) -> tuple[dict[str, Any], bool]:  # fmt: skip
    """Follow a street for so long, or until Ctrl-C or SIGTERM: what came of all windows, and whether it was stopped.

    The candidate sees what the street's controller does; a folder's sensors that are not believed (`twin.live.trust`)
    have no part in the verdict. Raises ShadowError for the policies, LiveError for a street that is another, was never
    heard or cannot be.
    """
    opened = feed_at(where)
    own, other = policies_of([in_charge, candidate], network)
    held = belief(network, draws, BELIEVED_SEED + seed)
    arms = (twin_windows(network, one, held, duration_s) for one in (own, other))
    answers = lived(list(itertools.chain(*arms)), progress)
    asked = {
        "network": network, "in_charge": own.told, "candidate": other.told, "seed": seed, "follow": where,
    }  # fmt: skip
    told: list[dict[str, Any]] = []

    def judge(window: Window) -> dict[str, Any]:
        if Path(where).is_dir():
            window = window.without(kept(Path(where)), moments.step_s)
        least, heard = parameters()["least_heard_percent"], window.heard_percent
        row = {"from": _clock(window.begin_s), "heard_percent": heard, "decisions": len(window.rows)}
        if heard < least or not window.rows:
            return {**row, "verdict": WITHHELD, **dict.fromkeys(FIGURES), "run": None}
        tables = judged(own, other, held, answers, window.rows, window.means(least), float(duration_s), heard)
        run = written(folder, tables, {**asked, "from": _clock(window.begin_s)}, window.begin_s)
        verdict = tables["shadow_verdict"][0]
        return {**row, **{name: verdict[name] for name in ("verdict", *FIGURES)}, "run": str(run)}

    with contextlib.closing(opened()) as feed, _Log(folder) as log, asked_to_stop() as stop:
        moments, clock = Moments(signals_for(network), other, duration_s, feed.lag_s, log.write), _Clock(feed)
        began_s = time.monotonic()
        while not stop.is_set() and (for_s is None or time.monotonic() - began_s < for_s):
            news = feed.rows()
            now_s = clock.at(max((float(row["arrived_s"] or 0.0) for row in news), default=None))
            for window in moments.hear(news, now_s):
                told.append(judge(window))
                tell(" · ".join(f"{name} {_short(value)}" for name, value in told[-1].items() if name != "run"))
            if moments.window is not None:
                progress(int(now_s - moments.window.begin_s), duration_s, f"{log.n} proposals")
        if clock.last_s is None and not stop.is_set():
            raise LiveError(f"{where}: nothing was heard in {for_s:g} s{feed.gone() and '; ' + feed.gone()}")
        unfinished_s = 0.0 if moments.window is None else moments.step_s * len(moments.window.seen)
    verdicts = Counter(one["verdict"] for one in told)
    summary = {
        "windows": len(told), **{name: verdicts[name] for name in ("better", "worse", "undecided", WITHHELD)},
        "proposals": log.n, "log": str(log.path), "not_judged_s": unfinished_s, "told": told,
    }  # fmt: skip
    return summary, stop.is_set()


class _Clock:
    """The time by arrivals [s UTC], going on while nothing arrives; who is silent for too long is told of, once."""

    def __init__(self, feed: Feed) -> None:
        self._feed, self._news_s, self._told = feed, time.monotonic(), False
        self.last_s: float | None = None

    def at(self, arrived_s: float | None) -> float:
        now_s = time.monotonic()
        if arrived_s is not None:
            if self._told:
                tell("heard again")
            self.last_s, self._news_s, self._told = max(arrived_s, self.last_s or -math.inf), now_s, False
        quiet_s = now_s - self._news_s
        if quiet_s > silence_s("detectors") + self._feed.lag_s and not self._told:
            self._told = True
            tell(f"nothing heard for {quiet_s:.0f} s: {self._feed.gone() or 'the street is silent'}; still listening")
        return -math.inf if self.last_s is None else self.last_s + quiet_s


class _Log:
    """Proposals as JSON lines, each on its way to the disk as it is made."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path, self.n = folder / f"shadow-proposals-{time.strftime('%Y-%m-%dT%H%M%S')}.jsonl", 0

    def __enter__(self) -> _Log:
        self._file = self.path.open("a", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, decision: Decision) -> None:
        self.n += 1
        self._file.write(json.dumps({"at": _clock(decision["at_s"]), **decision}) + "\n")
        self._file.flush()


def _clock(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, ZONE).isoformat()


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
