"""One deployed system; every test begins from the same snapshot of its chain."""

import pytest

pytest.importorskip("web3")

from contracts.chain import connect, known_key
from contracts.market import deploy

RUPIAH = 10**9
IDS = {"forest": 1, "solar": 2}


@pytest.fixture(scope="session")
def deployed():
    """A sells, B buys, C has A's owner, D is not verified, E is unknown."""
    system = deploy(connect(), known_key, ("A", "B", "C", "D", "E"))
    for who, owner in (("A", 1), ("B", 2), ("C", 1), ("D", 3)):
        system.join(who, owner, who != "D", RUPIAH)
    system.join("E", 0, False, RUPIAH)
    system.issue(1, "forest-2025", 10_000)
    system.send(system.permit(system.keys["A"].address, 1, 5_000, b"L" * 32, 1), "issuer")
    system.send(system.settlement.functions.setReference(1, 115_000), "regulator")
    return system


@pytest.fixture
def system(deployed):
    """The deployed system, as it was at first."""
    tester = deployed.chain.w3.provider.ethereum_tester
    snapshot = tester.take_snapshot()
    yield deployed
    tester.revert_to_snapshot(snapshot)
