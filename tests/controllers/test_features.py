"""Features of movements and phases: worked out by hand on two junctions, one leading into the other."""

import numpy as np
import pytest

from controllers.errors import PlanError
from controllers.features import MOVEMENTS, PHASES, Features, features
from controllers.plan import SignalPlan
from controllers.rules import Junctions, Readings

# West: zones 0 and 1; its link 0 leads into zone 2 of East. East: zones 2 and 3; link 2 is a crossing.
WEST = SignalPlan("west", ("Gr", "rG"), conflicts=frozenset({(0, 1)}))
EAST = SignalPlan("east", ("Grr", "rgG"), conflicts=frozenset({(0, 1), (0, 2)}), crossings=(2,))
ZONE_OF, EXIT_OF = ((0, 1), (2, 3, -1)), ((2, -1), (-1, -1, -1))
MOVEMENT = {one.name: i for i, one in enumerate(features("movement"))}
PHASE = {one.name: i for i, one in enumerate(features("phase"))}


def two() -> Features:
    return Features(Junctions.of((WEST, EAST), ZONE_OF, EXIT_OF, 4), ZONE_OF, EXIT_OF, begin_s=100.0)


def at(time_s: float, phase: tuple[int, int], green_s: tuple[float, float], vehicles=(6.0, 2.0, 1.0, 3.0), walks=()):
    counts = np.array(vehicles)
    return Readings(time_s, counts, counts / 2, np.zeros(0), np.array(phase), np.array(green_s), walks)


def test_theory_movements_by_hand():
    seen = two().see(at(100.0, (0, 1), (10.0, 10.0)))
    west, east = seen.movements
    assert west[:2, MOVEMENT["vehicles"]].tolist() == pytest.approx([0.6, 0.2])
    assert west[:2, MOVEMENT["halting"]].tolist() == pytest.approx([0.3, 0.1])
    assert west[:2, MOVEMENT["downstream"]].tolist() == pytest.approx([0.1, 0.0])
    assert west[:2, MOVEMENT["green"]].tolist() == [1.0, 0.0]
    assert east[:2, MOVEMENT["green"]].tolist() == [0.0, 0.5]  # it must give way to the walkers
    assert east[:2, MOVEMENT["inflow"]].tolist() == pytest.approx([0.6, 0.0])  # what west lets go is led here
    assert west[:, MOVEMENT["exists"]].sum() == 2
    assert not west[2:].any()


def test_theory_phases_by_hand():
    one = two()
    one.see(at(100.0, (0, 0), (10.0, 10.0)))
    seen = one.see(at(130.0, (0, 1), (40.0, 2.0), walks=(frozenset(), frozenset({2}))), priority=[1, None])
    west, east = seen.phases
    assert west[:2, PHASE["present"]].tolist() == [1.0, 0.0]
    assert west[0, PHASE["green"]] == pytest.approx(40 / 30)
    assert west[0, PHASE["left"]] == pytest.approx(80 / 30)
    assert west[:2, PHASE["unserved"]].tolist() == pytest.approx([0.0, 0.5])
    assert west[:2, PHASE["free"]].tolist() == [1.0, 1.0]
    assert east[:2, PHASE["free"]].tolist() == [0.0, 0.0]
    assert west[:2, PHASE["priority"]].tolist() == [0.0, 1.0]
    assert east[:2, PHASE["walk_calls"]].tolist() == [0.0, 0.5]
    assert west[:, PHASE["exists"]].sum() == 2
    assert seen.movements[0, 1, MOVEMENT["red"]] == pytest.approx(0.5)


def test_a_dead_detector_is_told_from_an_empty_street():
    seen = two().see(at(100.0, (0, 0), (10.0, 10.0), vehicles=(np.nan, 0.0, 1.0, 3.0)))
    assert seen.movements[0, :2, MOVEMENT["seen"]].tolist() == [0.0, 1.0]
    assert seen.movements[0, :2, MOVEMENT["vehicles"]].tolist() == [0.0, 0.0]


def test_every_number_keeps_to_its_range():
    one = two()
    one.see(at(100.0, (0, 0), (10.0, 10.0)))
    seen = one.see(at(9999.0, (1, 1), (9000.0, 0.0), vehicles=(500.0, 500.0, 500.0, 500.0)))
    for values, of in ((seen.movements, "movement"), (seen.phases, "phase")):
        most = np.array([feature.most for feature in features(of)])
        assert (values >= 0).all()
        assert (values <= most).all()
        assert values.dtype == np.float32


def test_a_junction_too_large_for_a_policy_is_refused():
    links = MOVEMENTS + 1
    plan = SignalPlan("large", ("G" * links,))
    zones = (tuple(range(links)),)
    with pytest.raises(PlanError, match=f"17 detector zones; a policy takes {PHASES}, {MOVEMENTS}"):
        Features(Junctions.of((plan,), zones, ((-1,) * links,), links), zones, ((-1,) * links,))
