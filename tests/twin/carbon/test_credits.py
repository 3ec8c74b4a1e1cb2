"""Ledger, measured reductions, the register: conservation at every event, no tonne twice, what cannot come back."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from twin.carbon.credits.idxcarbon import Link, Register, Status, log_price_parameters
from twin.carbon.credits.ledger import Ledger
from twin.carbon.credits.mrv import Claim, Verified, claims
from twin.errors import LedgerError
from twin.module import Seen

holders, batches, amounts = st.sampled_from("ABC"), st.sampled_from(["x", "y", "z"]), st.integers(-1, 60)
places = st.sampled_from(["spe_grk", "token"])


class Events(RuleBasedStateMachine):
    """Any events in any order: whatever is refused, the totals conserve."""

    def __init__(self):
        super().__init__()
        self.ledger = Ledger()

    def attempt(self, method, *words):
        before = (dict(self.ledger.balances), self.ledger.totals(), len(self.ledger.entries))
        try:
            method(*words)
        except LedgerError:
            after = (dict(self.ledger.balances), self.ledger.totals(), len(self.ledger.entries))
            assert after == before

    @rule(h=holders, b=batches, n=amounts)
    def issue(self, h, b, n):
        self.attempt(self.ledger.issue, h, b, n)

    @rule(h=holders, b=batches, n=amounts)
    def tokenise(self, h, b, n):
        self.attempt(self.ledger.tokenise, h, b, n)

    @rule(h=holders, b=batches, n=amounts)
    def remint(self, h, b, n):
        self.attempt(self.ledger.remint, h, b, n)

    @rule(p=places, s=holders, h=holders, b=batches, n=amounts)
    def transfer(self, p, s, h, b, n):
        self.attempt(self.ledger.transfer, p, s, h, b, n)

    @rule(p=places, h=holders, b=batches, n=amounts)
    def retire(self, p, h, b, n):
        self.attempt(self.ledger.retire, p, h, b, n)

    @rule(p=places, h=holders, b=batches, n=amounts)
    def cancel(self, p, h, b, n):
        self.attempt(self.ledger.cancel, p, h, b, n)

    @invariant()
    def conserved(self):
        totals = self.ledger.totals()
        assert totals["conserved"]
        assert totals["issued"] == totals["spe_grk"] + totals["tokens"] + totals["retired"] + totals["cancelled"]
        assert sum(c.tco2e for c in self.ledger.certificates) == totals["retired"]


TestEvents = Events.TestCase
TestEvents.settings = settings(max_examples=40, deadline=None)


def test_the_books_worked_cases():
    ledger = Ledger()
    ledger.issue("developer", "forest-2025", 250)
    ledger.tokenise("developer", "forest-2025", 150)
    ledger.transfer("token", "developer", "company", "forest-2025", 150)
    ledger.remint("company", "forest-2025", 50)
    certificate = ledger.retire("token", "company", "forest-2025", 100)
    assert (certificate.holder, certificate.tco2e, len(certificate.digest)) == ("company", 100, 64)
    assert ledger.totals() == {
        "conserved": True, "issued": 250, "tokens": 0, "spe_grk": 150, "retired": 100, "cancelled": 0,
    }  # fmt: skip
    with pytest.raises(LedgerError, match="holds 0 t"):
        ledger.retire("token", "company", "forest-2025", 1)


@pytest.mark.parametrize("amount", [0, -3, 1.5, True, "4"])
def test_only_whole_tonnes(amount):
    with pytest.raises(LedgerError, match="whole number"):
        Ledger().issue("A", "x", amount)


def test_a_month_is_claimed_once():
    verified = Verified({}, {})
    claim = Claim("solar", "offices", "2026-03", 10.0, 0.0)
    assert verified.verify(claim) == 10
    with pytest.raises(LedgerError, match="counts once"):
        verified.verify(claim)
    with pytest.raises(LedgerError, match="counts once"):
        verified.verify(Claim("another module", "offices", "2026-02", 10.0, 0.0))


@settings(deadline=None)
@given(st.lists(st.floats(0, 50), min_size=1, max_size=24))
def test_fractions_are_carried_and_never_more_is_issued_than_measured(tonnes):
    verified = Verified({}, {})
    issued = [
        verified.verify(Claim("solar", "offices", f"20{i // 12:02}-{i % 12 + 1:02}", t, 0.1 * t))
        for i, t in enumerate(tonnes)
    ]
    credited = sum(t * (1 - 1.6449 * 0.1) for t in tonnes)
    assert sum(issued) <= credited + 1e-9
    assert sum(issued) > credited - 1 - 1e-9
    assert sum(issued) <= sum(tonnes)


def test_theory_a_claim_by_hand():
    claim = Claim("forest", "f", "2026-01", 100.0, 10.0, additional=0.5, buffer=0.2)
    assert claim.creditable_tco2e == pytest.approx((100 - 16.449) * 0.5 * 0.8)
    assert claim.buffered_tco2e == pytest.approx((100 - 16.449) * 0.5 * 0.2)
    assert Claim("forest", "f", "2026-01", 10.0, 10.0).creditable_tco2e == 0


def test_reductions_come_from_last_months_rows_and_overlap_nowhere():
    seen = Seen({
        "solar": {"solar_total": [{"co2_avoided_kg": 13_000.0}]},
        "traffic": {"traffic_hour": [
            {"network": "trenggalek", "controller": "max_pressure", "co2_kg": 90.0},
            {"network": "trenggalek", "controller": "shipped", "co2_kg": 100.0},
            {"network": "cologne1", "controller": "shipped", "co2_kg": 900.0},
        ]},
        "personnel": {"personnel_month": [{"trips_avoided": 480}]},
    })  # fmt: skip
    found = {claim.activity: claim.tco2e for claim in claims(seen, "2026-02", 100.0, 1.0)}
    assert found == pytest.approx({"solar": 13.0, "traffic": 3.0, "trips": 0.72, "forest": 100 * 5 / 12})
    boundaries = [claim.boundary for claim in claims(seen, "2026-02", 100.0, 1.0)]
    assert len(boundaries) == len(set(boundaries))
    assert [claim.activity for claim in claims(Seen({}), "2026-02", 0.0, 1.0)] == []


def test_what_is_retired_stays_so_in_the_register():
    register = Register()
    for status in (Status.ISSUED, Status.TOKENISED, Status.RE_MINTED, Status.TRADED, Status.RETIRED):
        register.report("b", status)
    for status in Status:
        with pytest.raises(LedgerError, match="is retired"):
            register.report("b", status)
    with pytest.raises(LedgerError, match="not in the register"):
        register.report("c", Status.TRADED)


def test_theory_the_reference_price_stays_in_the_public_range():
    rng, link = np.random.default_rng(1), Link(58_800.0)
    prices = []
    for _ in range(40_000):
        link.new_day(rng)
        prices.append(math.log(link.price_idr))
    mean, sd = log_price_parameters()
    assert np.mean(prices) == pytest.approx(mean, abs=0.06)
    assert np.std(prices) == pytest.approx(sd, rel=0.15)
    assert math.exp(mean) == pytest.approx(48_853, rel=0.001)


def test_a_late_and_failing_line():
    rng, link = np.random.default_rng(2), Link(50_000.0, failure_percent=10.0, latency_rounds=2)
    answers = []
    for i in range(2000):
        link.price_idr = float(i)
        answers.append(link.pull(rng))
    assert all(answer is None or answer == max(0, i - 2) for i, answer in enumerate(answers))
    assert 140 < link.failures < 260


def test_a_batch_that_was_sold_out_and_comes_back_is_as_old_as_it_was_also_after_a_restart():
    ledger = Ledger()
    for batch in ("old", "new"):
        ledger.issue("a", batch, 10)
        ledger.tokenise("a", batch, 10)
    ledger.transfer("token", "a", "b", "old", 10)
    again = Ledger.restored(json.loads(json.dumps(ledger.state(), sort_keys=True)))
    for one in (ledger, again):
        one.transfer("token", "b", "a", "old", 4)
        assert one.batches("token", "a") == [("old", 4), ("new", 10)]
