"""The village energy controller: guard, policy, loop, and Modbus-TCP against a simulated inverter."""

import asyncio
import contextlib
import json
import math
import socket
import threading
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.bundle import load, write
from controllers.errors import BundleError
from controllers.village.guard import BatteryGuard, BatteryLimits, Measured
from controllers.village.loop import Office, from_file, run_office
from controllers.village.modbus import ModbusInverter
from controllers.village.policy import RESERVE_OUTPUTS, ReservePolicy, reserve_inputs
from twin.hil.inverter import RESERVE, Inverter, serve

LIMITS = BatteryLimits(0.96, 4.8, charge_kw=2.4, discharge_kw=4.8)
WELL = Measured(soc_kwh=2.5, current_a=5.0, temperature_c=30.0, pln=True)


def contract(**changes) -> dict:
    rule = {"kind": "rule", "rule": "fixed_reserve", "settings": {"reserve": 0.5}}
    inputs = reserve_inputs(["charge", "announced_in_a_day"])
    return {"kind": "battery", "policy": rule, "decision_s": 3600.0, "limits": vars(LIMITS), "inputs": inputs,
            "outputs": RESERVE_OUTPUTS} | changes  # fmt: skip


def test_theory_charge_is_kept_between_its_limits():
    guard = BatteryGuard(LIMITS)
    assert guard.admit(0.5, 0, WELL, 1.0).charge_kw == 2.4
    full = guard.admit(0.5, 0, replace(WELL, soc_kwh=4.8), 1.0)
    assert (full.charge_kw, full.discharge_kw) == (0.0, 4.8)
    assert guard.admit(0.5, 0, replace(WELL, soc_kwh=4.76), 1.0).charge_kw == 0.0  # within the band
    assert guard.admit(0.5, 0, replace(WELL, soc_kwh=4.74), 1.0).charge_kw == 2.4
    reserve = guard.admit(0.5, 0, replace(WELL, soc_kwh=2.88), 1.0)
    assert reserve.reserve_kwh == pytest.approx(0.96 + 0.5 * 3.84)
    assert reserve.discharge_kw == 0.0
    assert (
        guard.admit(0.5, 0, replace(WELL, soc_kwh=2.8, pln=False), 1.0).discharge_kw == 4.8
    )  # an outage is what it is for
    assert guard.admit(0.5, 0, replace(WELL, soc_kwh=0.96, pln=False), 1.0).discharge_kw == 0.0


@pytest.mark.parametrize(
    ("change", "charge", "discharge"),
    [({"temperature_c": -5.0}, 0.0, 4.8), ({"temperature_c": 50.0}, 0.0, 4.8), ({"temperature_c": 60.0}, 0.0, 0.0),
     ({"temperature_c": math.nan}, 0.0, 0.0), ({"soc_kwh": math.nan}, 0.0, 0.0), ({"current_a": 130.0}, 0.0, 0.0),
     ({"current_a": -130.0}, 0.0, 0.0), ({"age_s": 11.0}, 0.0, 0.0), ({"soc_kwh": -1.0}, 0.0, 0.0)],
)  # fmt: skip
def test_theory_temperature_current_and_measurement(change, charge, discharge):
    allowed = BatteryGuard(LIMITS).admit(0.0, 0, replace(WELL, **change), 1.0)
    assert (allowed.charge_kw, allowed.discharge_kw) == (charge, discharge)


def test_after_a_fault_nothing_flows_until_it_was_well_for_a_while():
    guard = BatteryGuard(LIMITS)
    guard.admit(0.0, 0, replace(WELL, current_a=500.0), 1.0)
    flows = [guard.admit(0.0, 0, WELL, 1.0).charge_kw for _ in range(61)]
    assert flows[:59] == [0.0] * 59
    assert flows[-1] == 2.4


def test_charging_points_come_after_the_office():
    guard = BatteryGuard(LIMITS)
    assert guard.admit(0.5, 9, WELL, 1.0).slots == 2
    assert guard.admit(0.5, 2, replace(WELL, pln=False, soc_kwh=2.9), 1.0).slots == 2
    assert guard.admit(0.5, 2, replace(WELL, pln=False, soc_kwh=2.8), 1.0).slots == 0
    assert guard.admit(0.5, None, WELL, 1.0).slots == 0


NUMBER = st.floats(allow_nan=True, allow_infinity=True) | st.floats(-20, 80)


@given(st.lists(st.tuples(NUMBER | st.none(), NUMBER, NUMBER, NUMBER, st.booleans(), st.integers(-3, 9)), max_size=40))
def test_theory_whatever_is_asked_and_measured_no_limit_is_passed(turns):
    guard = BatteryGuard(LIMITS)
    for reserve, soc, current, temperature, pln, slots in turns:
        allowed = guard.admit(reserve, slots, Measured(soc, current, temperature, pln), 1.0)
        assert 0.96 <= allowed.reserve_kwh <= 4.8
        assert 0 <= allowed.slots <= 2
        if not (soc < 4.8 and 0 <= temperature <= 45 and abs(current) <= 100):
            assert allowed.charge_kw == 0.0
        if not (soc > (allowed.reserve_kwh if pln else 0.96) and -10 <= temperature <= 55 and abs(current) <= 100):
            assert allowed.discharge_kw == 0.0


def test_a_rules_bundle_is_checked_like_any(tmp_path):
    bundle = write(tmp_path / "b", "office", contract())
    assert load(bundle.folder).runner.decide([0.1, 0.0]) == 0.5
    for change in ({"policy": {"kind": "rule", "rule": "x", "settings": {}}}, {"limits": vars(LIMITS) | {"soc_min_kwh": 9.0}},
                   {"decision_s": 0}, {"inputs": {}}):  # fmt: skip
        with pytest.raises(BundleError, match=r"contract\.json"):
            write(tmp_path / "c", "office", contract(**change))


def test_without_what_must_be_known_all_charge_is_kept(tmp_path):
    known = tmp_path / "known.json"
    office = Office(ReservePolicy(contract(), None), from_file(known))
    assert office.turn(1000.0, WELL, 1.0).reserve_kwh == 4.8
    known.write_text(json.dumps({"announced_in_a_day": 0.5, "until": 5000.0, "slots": 1}))
    assert office.turn(1001.0, WELL, 1.0).reserve_kwh == pytest.approx(2.88)
    assert office.turn(1002.0, WELL, 1.0).slots == 1
    assert office.turn(7300.0, WELL, 1.0).reserve_kwh == 4.8  # what is known is too old
    known.write_text("{")
    assert office.turn(7400.0, WELL, 1.0).reserve_kwh == 4.8


def test_an_office_on_a_simulated_inverter_keeps_its_reserve_through_modbus():
    inverter = Inverter(soc_kwh=4.0, hour=22.0, load_kw=2.0)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    loop = asyncio.new_event_loop()
    task = []

    def live():
        asyncio.set_event_loop(loop)
        task.append(loop.create_task(serve(inverter, port, time.monotonic, speed=3000.0)))
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task[0])

    thread = threading.Thread(target=live)
    thread.start()
    until_s = time.monotonic() + 20
    while time.monotonic() < until_s:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            break
        except OSError:
            time.sleep(0.05)
    office = Office(ReservePolicy(contract(), None), lambda now_s: {"announced_in_a_day": 0.0})
    ended = run_office(office, ModbusInverter("127.0.0.1", port), 4.0, turn_s=0.02)
    assert ended["missed"] == 0
    assert inverter.registers[RESERVE] == 288
    assert 2.5 < inverter.soc_kwh < 3.0  # two hours of night took it down to its reserve, less what flowed in a turn
    loop.call_soon_threadsafe(task[0].cancel)
    thread.join(20)
    assert ModbusInverter("127.0.0.1", 1).read().age_s == math.inf  # nobody there
