"""Paraduta Podcast: weekly episodes that age, an audience that grows by them, studio slots, and cost per reach."""

from __future__ import annotations

import numpy as np

from twin.module import Rows, Seen, State
from twin.programmes.dynamics import Parameters
from twin.programmes.facts import programmes
from twin.programmes.moving import MovingProgramme, moving_tables

WEEKS = 52 / 12
KEPT_WEEKS = 26  # an episode older than this is no longer watched
CAPITAL_MONTHS = 12 * programmes()["podcast"].life_years  # over which the equipment is paid off


def views_of_episode(age_weeks: np.ndarray, first: np.ndarray | float, half_life_weeks: float) -> np.ndarray:
    """Views in a week of episodes `age_weeks` old that will have `first` in all: exponential decay."""
    keep = 0.5 ** (1 / half_life_weeks)
    return first * (1 - keep) * keep**age_weeks


class PodcastModule(MovingProgramme):
    """The sub-district's podcast."""

    name = "podcast"
    tables = moving_tables("podcast_month")

    def begin(self) -> None:
        """No subscribers, no episodes; a week falls due when the month's fraction is full."""
        self.subscribers, self.due, self.weeks = 0.0, 0.0, 0
        self.worth = np.zeros(KEPT_WEEKS)  # views in all of the episode of each age [weeks]

    def live(self, t: int, seen: Seen) -> Rows:
        """Four or five weeks, an episode in most of those in which one is due."""
        p, views, made = self.p, 0.0, 0
        self.due += WEEKS
        weeks, self.due = int(self.due), self.due - int(self.due)
        for _ in range(weeks):
            episode = self.rng.random() < p["episode_made"] and self.weeks % self.options.podcast_weeks_between == 0
            self.weeks += 1
            luck = self.rng.lognormal(-0.32, 0.8)  # mean 1: most episodes are seen by few, some by many
            self.worth = np.roll(self.worth, 1)
            self.worth[0] = episode * luck * (p["views_first"] + p["subscriber_views"] * self.subscribers)
            week = float(views_of_episode(np.arange(KEPT_WEEKS), self.worth, p["half_life_weeks"]).sum())
            self.subscribers += p["subscribe_share"] * week - p["leave_month"] / WEEKS * self.subscribers
            views, made = views + week, made + int(episode)
        return {"podcast_month": [self._row(t, weeks, made, views)]}

    def _row(self, t: int, weeks: int, made: int, views: float) -> dict[str, float | int | None]:
        p = self.p
        slots = max(1, round(p["slots_week"] * weeks))
        business = int(self.rng.binomial(slots, p["business_use"]))
        meeting = int(self.rng.binomial(slots - business, min(1.0, p["meeting_use"] / (1 - p["business_use"] + 1e-9))))
        visits, orders = (int(self.rng.poisson(views * p[name])) for name in ("visit_share", "sale_share"))
        cost, reach = cost_idr_month(p), p["reach_per_view"] * views
        return {
            "episodes": made, "views": views, "subscribers": self.subscribers, "reach": reach,
            "visits": visits, "visit_idr": visits * p["visit_spend_idr"], "orders": orders,
            "sales_idr": orders * p["sale_idr"],
            "slots": slots, "business_slots": business, "meeting_slots": meeting, "cost_idr": cost,
            "cost_per_reach_idr": cost / reach if views else None,
            "ad_reach": p["reach_per_view"] * cost / p["ad_idr_per_view"],
        }  # fmt: skip

    def memory(self) -> State:
        """Subscribers, the weeks due and lived, and what the episodes are worth."""
        return {"subscribers": self.subscribers, "due": self.due, "weeks": self.weeks, "worth": self.worth.tolist()}

    def remember(self, state: State) -> None:
        """Take them up."""
        self.subscribers, self.due, self.weeks = state["subscribers"], state["due"], state["weeks"]
        self.worth = np.array(state["worth"])


def cost_idr_month(p: Parameters) -> float:
    """Running cost, and the month's part of the equipment."""
    return p["running_idr_month"] + p["capital_idr"] / CAPITAL_MONTHS


def break_even_views(p: Parameters) -> float:
    """Views a month at which the podcast reaches as many people as paid views for the same money."""
    return cost_idr_month(p) / p["ad_idr_per_view"]
