"""LARAS as a sector: who takes it up, what they ask, what the documents answer, and hours lost where the power fails.

How often it answers, abstains and errs is what `python -m twin knowledge evaluate --split test` finds on the shipped
questions; how many are asked is a prior. The module is called `knowledge`, the programme `laras`.
"""

from __future__ import annotations

import numpy as np

from twin.module import Row, Rows, Seen, State
from twin.programmes.adoption import bass_month
from twin.programmes.moving import MovingProgramme, moving_tables
from twin.programmes.personnel import OFFICE_H, places
from twin.programmes.personnel_module import outage_share, people_helped


class KnowledgeModule(MovingProgramme):
    """Questions of the regency's civil servants on personnel rules."""

    name, programme = "knowledge", "laras"
    tables = moving_tables("laras_month")

    def begin(self) -> None:
        """Nobody uses it; the prototype's documents are there."""
        self.use, self.documents = 0.0, self.p["documents_first"]

    def live(self, t: int, seen: Seen) -> Rows:
        """Take in documents; once it is open, be taken up, asked, and cut off where an office has no power."""
        p = self.p
        self.documents = min(p["regulations"], self.documents + p["documents_month"])
        out, weights = outage_share(seen), places()[0]
        wanted = np.zeros(len(weights), dtype=int)
        if t >= p["months_built"]:
            self.use = float(bass_month(np.array(self.use), p["use_p_year"], p["use_q_year"], p["users_share"]))
            wanted = self.rng.poisson(self.use * p["staff"] * p["questions_user_month"] * weights)
        unasked = self.rng.binomial(wanted, out)
        row = self._answered(int((wanted - unasked).sum()))
        lost_h = float(weights @ out) * OFFICE_H if self.use else 0.0
        return {"laras_month": [{**row, "unasked": int(unasked.sum()), "service_lost_h": lost_h}]}

    def _answered(self, questions: int) -> Row:
        """What becomes of the questions of a month."""
        p, rng = self.p, self.rng
        uploaded = self.documents / p["regulations"]
        held = int(rng.binomial(questions, uploaded * (1 - p["beyond_share"])))  # the documents hold the answer
        spoken = int(rng.binomial(held, p["colloquial_share"]))
        missed = int(rng.binomial(spoken, p["missed_colloquial"]) + rng.binomial(held - spoken, p["missed_formal"]))
        invented = int(rng.binomial(questions - held, p["answered_beyond"]))
        right = int(rng.binomial(held - missed, p["right_share"]))
        satisfied = int(rng.binomial(right, p["satisfied_right"]))
        satisfied += int(rng.binomial(questions - right, p["satisfied_else"]))
        users = self.use * p["staff"]
        return {
            "users": users, "active": people_helped(questions, users) if users else 0.0, "questions": questions,
            "answered": held - missed + invented, "right": right, "abstained": questions - held + missed - invented,
            "satisfied": satisfied, "documents_percent": 100 * uploaded, "hours_saved": right * p["hours_saved"],
        }  # fmt: skip

    def memory(self) -> State:
        """Use and documents."""
        return {"use": self.use, "documents": self.documents}

    def remember(self, state: State) -> None:
        """Take them up."""
        self.use, self.documents = state["use"], state["documents"]
