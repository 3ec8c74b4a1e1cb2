"""A scenario file: resolved, frozen, digested; and everything that can be wrong with one, said at once."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from twin.errors import ScenarioError
from twin.scenario import LABELS, Scenario, shipped

BROKEN = sorted((Path(__file__).parent / "broken_scenarios").glob("*.yaml"))


def expected(path: Path) -> list[str]:
    lines = path.read_bytes().decode("latin-1").splitlines()
    return [line.removeprefix("# expect: ") for line in lines if line.startswith("# expect: ")]


def test_there_are_at_least_twenty_broken_files():
    assert len(BROKEN) >= 20
    assert all(expected(path) for path in BROKEN)


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_is_told_its_faults(path: Path):
    with pytest.raises(ScenarioError) as caught:
        Scenario.load(path)
    for words in expected(path):
        assert words in str(caught.value)


@pytest.mark.parametrize("name", ["baseline", "book", "smoke", "status_quo"])
def test_the_shipped_scenarios_load(name: str):
    scenario = Scenario.load(name)
    assert scenario.name == name
    assert scenario.description
    assert name in shipped()


def test_a_resolved_scenario_is_itself_a_scenario():
    scenario = Scenario.load("book")
    again = Scenario.validated(scenario.resolved(), "stored")
    assert again == scenario
    assert again.digest == scenario.digest


def test_a_scenario_is_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        Scenario.load("smoke").horizon_months = 3


def test_the_digest_is_over_content_not_labels():
    base = Scenario.load("smoke")
    assert Scenario.load("smoke", ["name=other", "description=words"]).digest == base.digest
    assert Scenario.load("smoke", ["horizon_months=3"]).digest != base.digest
    assert Scenario.load("smoke", [f"horizon_months={base.horizon_months}"]).digest == base.digest
    assert {"name", "description"} == LABELS


def test_overrides_lie_on_top(tmp_path: Path):
    (tmp_path / "under.yaml").write_text("extends: smoke\nsolar: {panels: 3}\nhorizon_months: 4\n")
    (tmp_path / "over.yaml").write_text("extends: under.yaml\nsolar: {battery_kwh: 9.6}\n")
    scenario = Scenario.load(tmp_path / "over.yaml", ["horizon_months=5"])
    assert (scenario.solar.panels, scenario.solar.battery_kwh, scenario.horizon_months) == (3, 9.6, 5)
    assert scenario.name == "over"


def test_several_bases_lie_on_each_other_in_order(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("horizon_months: 4\nsolar: {panels: 3}\n")
    (tmp_path / "b.yaml").write_text("horizon_months: 5\n")
    (tmp_path / "c.yaml").write_text("extends: [smoke, a.yaml, b.yaml]\n")
    scenario = Scenario.load(tmp_path / "c.yaml")
    assert (scenario.horizon_months, scenario.solar.panels) == (5, 3)


def test_a_section_can_be_switched_off_and_on_again(tmp_path: Path):
    assert Scenario.load("smoke", ["traffic=null"]).traffic is None
    (tmp_path / "off.yaml").write_text("extends: smoke\ntraffic: null\n")
    assert Scenario.load(tmp_path / "off.yaml").traffic is None
    assert Scenario.load(tmp_path / "off.yaml", ["traffic.hour_s=900"]).traffic.hour_s == 900


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("horizon_months", "expected --set section.key=value"),
        ("=3", "expected --set section.key=value"),
        ("solar..panels=3", "expected --set section.key=value"),
        ("horizon_months.x=3", "horizon_months is"),
        ("solar.panels=[", "is not a YAML value"),
        ("solar.pannels=3", "--set solar.pannels=3: solar.pannels: unknown key (value 3); did you mean 'panels'?"),
        ("solar.panels=three", "--set solar.panels=three: solar.panels:"),
    ],
)
def test_a_broken_override_is_told_its_fault(override: str, words: str):
    with pytest.raises(ScenarioError) as caught:
        Scenario.load("smoke", [override])
    assert words in str(caught.value)


def test_overrides_and_file_report_together(tmp_path: Path):
    (tmp_path / "x.yaml").write_text("extends: smoke\nsolar: {panles: 3}\n")
    with pytest.raises(ScenarioError) as caught:
        Scenario.load(tmp_path / "x.yaml", ["nonsense", "horizon_months=0"])
    assert len(caught.value.faults) == 3


@pytest.mark.parametrize("text", ["a: 010", "a: 1_000", "a: 1:30", "a: no", "a: 2026-02-30"])
def test_yaml_has_no_surprises(tmp_path: Path, text: str):
    from twin.yaml_file import read_mapping

    (tmp_path / "x.yaml").write_text(text)
    value = read_mapping(tmp_path / "x.yaml")[0]["a"]
    assert value == (10 if text == "a: 010" else text[3:])


def test_imported_places_travel_inside_the_scenario(tmp_path: Path):
    (tmp_path / "places.csv").write_text("code,latitude_deg,longitude_deg\n35.03.01.2001,-8.24,111.42\n")
    (tmp_path / "x.yaml").write_text("extends: smoke\nplaces: {file: places.csv}\n")
    scenario = Scenario.load(tmp_path / "x.yaml")
    (tmp_path / "places.csv").unlink()
    again = Scenario.validated(scenario.resolved(), "stored")
    site = next(s for s in again.places.sites() if s.code == "35.03.01.2001")
    assert (site.latitude_deg, site.longitude_deg) == (-8.24, 111.42)
    assert scenario.digest != Scenario.load("smoke").digest
