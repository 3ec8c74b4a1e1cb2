"""A sweep file: its faults all at once, and the points that it asks for."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import SweepError
from twin.sweep.design import points
from twin.sweep.plan import SHIPPED, Parameter, Sweep, load, shipped_in


def sweep(design, **parameters):
    return Sweep.model_validate_json(
        json.dumps(
            {
                "scenario": "smoke",
                "design": design,
                "parameters": {k.replace("__", "."): v for k, v in parameters.items()},
            }
        ),
        strict=True,
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("parameters: {solar.panels: [1]}", ["scenario: Field required"]),
        ("scenario: smoke\nparameters: {solar.panells: [1]}", ["2: solar.panells: unknown key", "did you mean 'panels'"]),
        ("scenario: smokee\nparameters: {solar.panels: [1]}", ["scenario smokee: is neither", "did you mean 'smoke'"]),
        ("scenario: smoke\nparameters: {solar.panels: {low: 5, high: 1}}", ["low 5 does not lie below high 1"]),
        ("scenario: smoke\nparameters: {solar.panels: {low: -5, high: 1, steps: 3}}", ["2: solar.panels: Input should be greater than or equal to 0"]),
        ("scenario: smoke\nparameters: {solar.panels: {low: 1, high: 9}}", ["a grid needs steps"]),
        ("scenario: smoke\nset: {solar.panels: 2}\nparameters: {solar.panels: [1]}", ["solar.panels is set and swept"]),
        ("scenario: smoke\ndesign: {method: sobl}\nparameters: {solar.panels: [1]}", ["did you mean 'sobol'"]),
        ("scenario: smoke\ndesign: {method: sobol, points: 100}\nparameters: {solar.panels: [1]}", ["take 64 or 128"]),
        ("scenario: smoke\ndesign: {method: adaptive, points: 4, kpi: solar_npv}\nparameters: {solar.panels: [1]}", ["did you mean 'solar_npv_idr'"]),
        ("scenario: smoke\nseeds: 5..1\nparameters: {solar.panels: [1]}", ["seeds: '5..1' is not"]),
        ("scenario: smoke\nseeds: [1, 1]\nparameters: {solar.panels: [1]}", ["each given once"]),
        ("scenario: smoke\nseeds: 2..1\nset: {solar.tilt: 2}\nparameters: {solar.panells: [1], solar.tilt_deg: {low: 3, high: 1}}",
         ["seeds", "solar.tilt: unknown key", "solar.panells: unknown key", "low 3 does not lie below"]),
    ],
)  # fmt: skip
def test_every_fault_is_told_at_once(tmp_path, text, told):
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(SweepError) as error:
        load(str(tmp_path / "x.yaml"))
    for words in told:
        assert words in str(error.value)


def test_a_scenario_beside_the_file_is_taken(tmp_path):
    (tmp_path / "mine.yaml").write_text("extends: smoke\nname: mine\n")
    (tmp_path / "x.yaml").write_text("scenario: mine.yaml\nseeds: 3..4\nparameters: {solar.panels: [1]}")
    found = load(str(tmp_path / "x.yaml"))
    assert found.seeds == (3, 4)
    assert found.load_scenario(found.scenario[0], {"solar.panels": 3}).solar.panels == 3


def test_every_shipped_sweep_loads():
    assert [load(name).name for name in shipped_in(SHIPPED)] == shipped_in(SHIPPED)


def test_theory_a_grid_is_all_combinations():
    found = list(points(sweep({}, solar__panels={"low": 1, "high": 3, "steps": 9}, solar__tilt_deg=[5.0, 10.0])))
    assert [tuple(one.values()) for one in found] == list(itertools.product([1, 2, 3], [5.0, 10.0]))


@given(st.integers(1, 40), st.integers(0, 5))
def test_theory_a_latin_hypercube_has_one_point_in_every_row_and_column(n, seed):
    plan = sweep({"method": "latin_hypercube", "points": n, "seed": seed}, solar__tilt_deg={"low": 0, "high": 90},
                 solar__battery_kwh={"low": 1, "high": 100, "log": True})  # fmt: skip
    tilts, sizes = np.array([list(one.values()) for one in points(plan)]).T
    assert sorted((tilts / 90 * n).astype(int)) == list(range(n))
    assert sorted((np.log(sizes) / np.log(100) * n).astype(int)) == list(range(n))


def test_theory_a_sobol_sequence_fills_every_binary_box_alike():
    plan = sweep(
        {"method": "sobol", "points": 64},
        solar__tilt_deg={"low": 0, "high": 8},
        solar__losses_percent={"low": 0, "high": 8},
    )
    boxes = [tuple(int(v) for v in one.values()) for one in points(plan)]
    assert sorted(boxes) == [(i, j) for i in range(8) for j in range(8)]


def test_whole_numbers_are_drawn_alike_often_and_only_from_the_range():
    plan = sweep(
        {"method": "sobol", "points": 64},
        solar__panels={"low": 1, "high": 4},
        programmes__case=["conservative", "moderate"],
    )
    found = list(points(plan))
    assert {one["solar.panels"]: sum(o == one for o in found) for one in found}.keys() == {1, 2, 3, 4}
    assert all(isinstance(one["solar.panels"], int) for one in found)
    assert sum(one["solar.panels"] == 1 for one in found) == 16
    assert sum(one["programmes.case"] == "moderate" for one in found) == 32


def test_a_list_has_no_bounds():
    with pytest.raises(ValueError, match="no bounds"):
        _ = Parameter(values=(1,)).bounds
