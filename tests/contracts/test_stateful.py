"""Random steps over all contracts together, each also done in the plain Python ledger: they must stay equal."""

from dataclasses import replace

import pytest
from chain_desk import order, settle, skipped
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from contracts.audit import audit_chain
from contracts.deploy import role
from contracts.errors import ChainError
from contracts.gas import ID, Bench, bench
from contracts.signing import as_given, sign
from twin.carbon.credits.ledger import Ledger
from twin.errors import LedgerError

WHO = st.integers(0, 2)
TONNES = st.integers(0, 60)
PRICE = st.integers(40_000, 160_000)
ROOM = st.sampled_from([0, 1, 5_000, 30_000, -1, -5_000])
BASE: list[tuple[Bench, object]] = []


def base() -> Bench:
    """One deployed system for all examples, wound back before each."""
    if not BASE:
        made = bench(3, credits_each=0)
        hostile = made.system.chain.deploy(made.system.admin, "HostileReceiver")
        BASE.append((made, hostile))
    return BASE[0][0]


class Contracts(RuleBasedStateMachine):
    """Three traders and a hostile receiver."""

    def __init__(self):
        super().__init__()
        self.b = base()
        chain = self.b.system.chain
        self.snapshot = chain.tester.take_snapshot()
        self.hostile = BASE[0][1]
        self.ledger, self.permits, self.nonce, self.minted = Ledger(), [], 0, 0
        self.ledger.issue("registry", "1", 10**9)
        self.paid, self.fees = [10**12] * 3, 0
        self.paused, self.frozen, self.dismissed = False, False, False

    def teardown(self):
        found = audit_chain(self.b.system.chain, self.b.system.credits.address)
        assert found.conserved, found.alerts
        assert found.retired == self.ledger.retired["1"]
        self.b.system.chain.tester.revert_to_snapshot(self.snapshot)
        self.b.system.chain.nonces.clear()

    def does(self, sender, call) -> bool:
        try:
            self.b.system.chain.send(sender, call, "step")
        except ChainError:
            return False
        return True

    def agrees(self, allowed: bool, sender, call, *move):
        """The chain does it exactly where it is allowed and the ledger does it too."""
        method, *given_ = move
        before = self.ledger.state()
        try:
            getattr(self.ledger, method)(*given_)
            may = allowed
        except LedgerError:
            may = False
        if not may:
            self.ledger = Ledger.restored(before)
        assert self.does(sender, call) is may

    @rule(to=WHO, tco2e=st.integers(1, 60))
    def mint(self, to, tco2e):
        s = self.b.system
        name = f"lock/{len(self.permits)}"
        permit, signature = self.b.permit(self.b.traders[to].address, tco2e, name)
        permit = replace(permit, serialFirst=self.minted + 1)
        signature = sign(s.roles["IDXCARBON"], s.credits, permit, s.chain.id)
        if self.does(s.roles["ISSUER"], s.credits.functions.mint(as_given(permit), signature)):
            assert not self.paused
            assert not self.frozen
            self.minted += tco2e
            self.permits.append((permit, signature))
            self.ledger.transfer("spe_grk", "registry", str(to), "1", tco2e)
            self.ledger.tokenise(str(to), "1", tco2e)
        else:
            assert self.paused or self.frozen

    @rule(which=st.integers(0, 9))
    def replay_a_permit(self, which):
        if self.permits:
            permit, signature = self.permits[which % len(self.permits)]
            s = self.b.system
            assert not self.does(s.roles["ISSUER"], s.credits.functions.mint(as_given(permit), signature))

    @rule(source=WHO, receiver=WHO, tco2e=TONNES)
    def transfer(self, source, receiver, tco2e):
        if source != receiver and tco2e:
            a, to = self.b.traders[source], self.b.traders[receiver]
            call = self.b.system.credits.functions.safeTransferFrom(a.address, to.address, ID, tco2e, b"")
            self.agrees(not self.frozen, a, call, "transfer", "token", str(source), str(receiver), "1", tco2e)

    @rule(source=WHO, tco2e=st.integers(1, 60), again=st.integers(1, 90))
    def pay_a_hostile_receiver(self, source, tco2e, again):
        """It calls back to re-mint as much as it likes; it can only spend what it has."""
        s, a = self.b.system, self.b.traders[source]
        has = s.credits.functions.balanceOf(self.hostile.address, ID).call()
        aim = self.hostile.functions.aim(s.credits.address, s.credits.encode_abi("remint", [ID, again]))
        s.chain.send(s.admin, aim, "aim")
        call = s.credits.functions.safeTransferFrom(a.address, self.hostile.address, ID, tco2e, b"")
        self.agrees(not self.frozen, a, call, "transfer", "token", str(source), "hostile", "1", tco2e)
        now = self.ledger.balances["token", "hostile", "1"]
        if now > has and again <= now and not self.paused:
            self.ledger.remint("hostile", "1", again)

    @rule(who=WHO, tco2e=TONNES)
    def retire(self, who, tco2e):
        s, a = self.b.system, self.b.traders[who]
        call = s.credits.functions.safeTransferFrom(a.address, s.vault.address, ID, tco2e, b"")
        self.agrees(not self.frozen, a, call, "retire", "token", str(who), "1", tco2e)

    @rule(who=WHO, tco2e=TONNES)
    def remint(self, who, tco2e):
        call = self.b.system.credits.functions.remint(ID, tco2e)
        allowed = not self.frozen and not self.paused
        self.agrees(allowed, self.b.traders[who], call, "remint", str(who), "1", tco2e)

    @rule(
        buyer=WHO, seller=WHO, tco2e=st.integers(1, 60), price=PRICE, rooms=st.tuples(ROOM, ROOM),
        fault=st.sampled_from(["", "", "", "twice", "another chain", "expired", "another's batch"]),
    )  # fmt: skip
    def trade(self, buyer, seller, tco2e, price, rooms, fault):
        """Nobody trades outside a limit, late, by a signature for another chain, or by who is no operator."""
        self.nonce += 2
        s, limits = self.b.system, (price + rooms[0], price - rooms[1])
        more = {"expiry": s.chain.now_s - 1} if fault == "expired" else {}
        orders = [
            order(self.b, buyer, False, tco2e, limits[0], self.nonce, **more),
            order(self.b, seller, True, tco2e, limits[1], self.nonce + 1, **more),
        ]
        fills = [(0, 1, tco2e, price)] * (1 + (fault == "twice"))
        chain_id = s.chain.id + 1 if fault == "another chain" else None
        sender = self.b.traders[buyer] if fault == "another's batch" else None
        may = min(rooms) >= 0 and not fault and not self.paused and not self.dismissed
        try:
            receipt = settle(self.b, orders, fills, chain_id=chain_id, sender=sender)
        except ChainError:
            assert not may, "a fill inside both limits was refused"
            return
        left_out = skipped(self.b, receipt)
        assert may or (fault == "twice" and len(left_out) == len(fills)), "a fill that must be refused was not"
        if left_out:
            return
        assert buyer != seller
        reference = self.b.system.settlement.functions.market(ID).call()[0]
        assert 50 * reference <= 100 * price <= 150 * reference
        self.ledger.transfer("token", str(seller), str(buyer), "1", tco2e)
        fee = tco2e * price * 1_000 // 1_000_000
        self.paid[buyer] -= tco2e * price
        self.paid[seller] += tco2e * price - fee
        self.fees += fee

    @rule(dismiss=st.booleans())
    def change_the_operator(self, dismiss):
        s = self.b.system
        method = s.registry.functions["revokeRole" if dismiss else "grantRole"]
        s.chain.send(s.admin, method(role("OPERATOR"), s.roles["OPERATOR"].address), "role")
        self.dismissed = dismiss

    @rule(to=WHO, expired=st.booleans())
    def mint_by_a_permit_that_does_not_hold(self, to, expired):
        s = self.b.system
        permit, signature = self.b.permit(self.b.traders[to].address, 5, f"bad/{self.nonce}")
        if expired:
            permit = replace(permit, expiry=s.chain.now_s - 1)
        signature = sign(s.roles["IDXCARBON"], s.credits, permit, s.chain.id + (not expired))
        assert not self.does(s.roles["ISSUER"], s.credits.functions.mint(as_given(permit), signature))

    @rule(pause=st.booleans())
    def pause(self, pause):
        s = self.b.system
        who, call = ("PAUSER", "pause") if pause else ("REGULATOR", "unpause")
        s.chain.send(s.roles[who], s.registry.functions[call](), call)
        self.paused = pause

    @rule(roll=st.integers(0, 19))
    def freeze(self, roll):
        if roll == 0 and not self.frozen:
            s = self.b.system
            s.chain.send(s.roles["REGULATOR"], s.credits.functions.setStatus(ID, 3), "freeze")
            self.frozen = True

    @rule(hours=st.integers(1, 30))
    def wait(self, hours):
        self.b.system.chain.advance(hours * 3_600)

    @invariant()
    def chain_and_ledger_hold_the_same(self):
        s, held = self.b.system, self.ledger.balances
        for number, trader in enumerate(self.b.traders):
            assert s.credits.functions.balanceOf(trader.address, ID).call() == held["token", str(number), "1"]
            assert s.rupiah.functions.balanceOf(trader.address).call() == self.paid[number]
        assert s.credits.functions.balanceOf(self.hostile.address, ID).call() == held["token", "hostile", "1"]
        assert s.rupiah.functions.balanceOf(s.admin.address).call() == self.fees
        minted, reminted, retired, cancelled = s.credits.functions.totals(ID).call()
        assert minted == self.ledger.held("token") + reminted + retired + cancelled == self.minted
        assert retired == self.ledger.retired["1"]
        assert self.ledger.totals()["conserved"]


def walk(examples: int, steps: int):
    base()  # py-evm raises the recursion limit when it first runs; hypothesis minds that inside a test
    chosen = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Contracts, settings=chosen)


def test_random_steps_keep_chain_and_ledger_equal():
    walk(3, 30)


@pytest.mark.slow
def test_thousands_of_random_steps_keep_chain_and_ledger_equal():
    walk(80, 40)
