"""Random steps on the contracts and on the Python ledger side by side: both allow the same, and agree after each."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.audit import TOTALS, audit_chain
from contracts.chain import ChainError
from contracts.settle import retire
from twin.carbon.credits.ledger import Ledger
from twin.errors import LedgerError

WHO = st.sampled_from(["A", "B", "C", "D"])
STEP = st.tuples(
    st.sampled_from(["tokenise", "transfer", "remint", "retire", "cancel"]), WHO, WHO, st.integers(0, 3_000)
)


def on_chain(system, step, number):
    action, who, other, tco2e = step
    functions, address = system.credit.functions, system.keys[who].address
    if action == "tokenise":
        system.send(system.permit(address, 1, tco2e, number.to_bytes(32, "big"), 1), "issuer")
    elif action == "transfer":
        system.send(functions.safeTransferFrom(address, system.keys[other].address, 1, tco2e, b""), who)
    elif action == "remint":
        system.send(functions.burnForRemint(1, tco2e), who)
    elif action == "retire":
        retire(system, who, 1, tco2e, who, "test")
    else:
        system.send(functions.freeze(1, True), "regulator")
        try:
            system.send(functions.cancel(address, 1, tco2e), "regulator")
        finally:
            system.send(functions.freeze(1, False), "regulator")


def in_ledger(ledger, step):
    action, who, other, tco2e = step
    if action == "tokenise":
        # The registry's units lie with A; whoever is to hold the tokens is first given the units.
        if who != "A":
            ledger.transfer("spe_grk", "A", who, "forest", tco2e)
        ledger.tokenise(who, "forest", tco2e)
    elif action == "transfer":
        ledger.transfer("token", who, other, "forest", tco2e)
    elif action == "remint":
        ledger.remint(who, "forest", tco2e)
        if who != "A":
            ledger.transfer("spe_grk", who, "A", "forest", tco2e)
    else:
        getattr(ledger, action)("token", who, "forest", tco2e)


def allowed(act, error):
    try:
        act()
    except error:
        return False
    return True


def walk(system, steps):
    tester = system.chain.w3.provider.ethereum_tester
    snapshot = tester.take_snapshot()
    ledger = Ledger()
    ledger.issue("A", "forest", 10_000)
    ledger.tokenise("A", "forest", 5_000)
    try:
        for number, step in enumerate(steps, 1):
            action, who, other, tco2e = step
            if action != "tokenise" and (tco2e == 0 or (action == "transfer" and who == other)):
                continue  # ERC-1155 lets nothing, and to oneself, be moved; the ledger does not
            may = allowed(lambda s=step: in_ledger(ledger, s), LedgerError)
            assert may == allowed(lambda s=step, n=number: on_chain(system, s, n), ChainError), step
        audit = audit_chain(system.chain, system.credit.address)
        assert audit.alerts == []
        assert audit.totals == {name: ledger.totals()[name] for name in TOTALS}
        for who in "ABCD":
            balance = system.credit.functions.balanceOf(system.keys[who].address, 1).call()
            assert balance == ledger.held("token", who)
    finally:
        tester.revert_to_snapshot(snapshot)


ALLOWED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=8, deadline=None, suppress_health_check=ALLOWED)
@given(steps=st.lists(STEP, min_size=5, max_size=12))
def test_contracts_and_ledger_allow_the_same_and_agree(deployed, steps):
    walk(deployed, steps)


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=ALLOWED)
@given(steps=st.lists(STEP, min_size=20, max_size=60))
def test_they_agree_over_thousands_of_steps(deployed, steps):
    walk(deployed, steps)
