"""Hardware in the loop, shortly: the processes' decisions and lamps are the environment's; a killed controller comes back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.export import export
from twin.errors import NetworkError
from twin.hil import run
from twin.hil.faults import BROKER, CONTROLLER, CORRUPTED, Fault, Line, schedule
from twin.hil.street import LampUnit
from twin.traffic.networks.locate import locate
from twin.traffic.signals.plans import signals_of


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return export("max_pressure", tmp_path_factory.mktemp("hil") / "b", network="cologne1").folder


def test_agreement_with_the_environment_over_a_real_broker(bundle, twin):
    words = (
        "hil",
        "--bundle",
        bundle,
        "--network",
        "cologne1",
        "--seconds",
        120,
        "--broker",
        "embedded",
        "--no-faults",
    )
    done = twin(*words, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["equal"]
    assert found["decisions"] == 120 / 5 or found["decisions"] == 120 / 2  # as the tuned settings have it
    assert found["lamp_changes"] > 3
    assert found["violations"] == 0


def test_a_killed_controller_and_a_killed_broker_come_back(bundle):
    faults = [Fault(CONTROLLER, 40, 55), Fault(BROKER, 120, 130)]
    found = run.in_the_loop(bundle, "cologne1", 1, "weekday", 260, "embedded", faults)
    killed, cut = found["faults"]
    assert "flashing" in killed["lamps"]
    assert 10 <= killed["flashing_s"] <= 40
    assert "flashing" in cut["lamps"]
    assert found["violations"] == 0
    assert found["log"]["conflicts"] == 0


def test_a_bundle_of_other_signals_is_refused(bundle, twin):
    with pytest.raises(NetworkError, match="was not made for the signals of cologne3"):
        run.fitting(bundle, "cologne3")
    done = twin("hil", "--bundle", bundle / "nowhere")
    assert done.returncode == 2
    assert "no such folder" in done.stderr


def test_the_lamp_unit_flashes_rather_than_show_a_violation(bundle):
    plan = signals_of(locate("cologne1").net_file, 200.0).plans[0]
    unit = LampUnit(plan)
    for _ in range(3):
        unit.take(plan.all_red)
    for _ in range(8):
        unit.take(plan.phases[0])
        unit.admit()
    assert not unit.flashing
    unit.take(plan.phases[1])  # without yellow and all-red
    assert unit.flashing
    assert unit.refused > 0
    unit.take(plan.phases[1])
    assert unit.flashing  # until all red is asked for
    unit.take(plan.all_red)
    assert not unit.flashing
    for _ in range(3):
        unit.take(None)
    assert unit.flashing  # nobody asks for anything


@given(st.integers(0, 1000), st.sets(st.sampled_from([one.kind for one in schedule()])))
def test_a_faulty_line_invents_no_sound_message(seed, present):
    from random import Random

    from controllers.errors import MessageError
    from controllers.io.messages import decode, encode

    sent = []
    line = Line(sent.append, Random(seed))
    for tick in range(30):
        line.publish(tick, encode({"vehicles": [1.0], "seq": tick}), present)
    line.publish(99, encode({"vehicles": [1.0], "seq": 99}), set())
    for payload in sent:
        try:
            body = decode(payload)
        except MessageError:
            assert CORRUPTED in present
            continue
        assert body["vehicles"] in ([1.0], [1e9, 1.0])
