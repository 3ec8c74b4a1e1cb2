"""One deployed system a test module, wound back after every test."""

import pytest

from contracts.gas import ID, Bench, bench


@pytest.fixture(scope="module")
def deployed() -> Bench:
    return bench(3, credits_each=0)


@pytest.fixture
def b(deployed: Bench):
    """A verified vintage ID, three traders with Rp 10^12 and approvals, no credits yet."""
    chain = deployed.system.chain
    snapshot = chain.tester.take_snapshot()
    yield deployed
    chain.tester.revert_to_snapshot(snapshot)
    chain.nonces.clear()


@pytest.fixture
def held(b: Bench) -> Bench:
    """The same, with 1,000 t in the first trader's hands."""
    b.mint(b.traders[0].address, 1_000, "start")
    assert b.system.credits.functions.balanceOf(b.traders[0].address, ID).call() == 1_000
    return b
