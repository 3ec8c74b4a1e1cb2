"""From a run to a release in force: the same run gives the same bytes, and the exchange adopts its rules."""

import json

import pytest
from controllers_bundles import contract

from controllers.bundle import write
from deploy.release.export import export
from deploy.release.folder import MANIFEST, Shelf, load, seal
from deploy.release.inforce import must_fit
from twin.errors import TwinError
from twin.run import Run
from twin.runner import run_scenario
from twin.scenario import Scenario

X = "/v1/exchange"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A month of the carbon market alone."""
    scenario = Scenario.load("smoke", ["traffic=null", "labour=null", "programmes=null", "horizon_months=1"])
    with Run.open(run_scenario(scenario, 1, tmp_path_factory.mktemp("runs")).path) as opened:
        yield opened


def resealed(folder, name, change) -> None:
    """The release with a changed table, sealed anew."""
    table = json.loads((folder / name).read_text())
    change(table)
    (folder / name).write_text(json.dumps(table))
    made_from = load_manifest(folder)["made_from"]
    (folder / MANIFEST).unlink()
    seal(folder, made_from)


def load_manifest(folder) -> dict:
    return json.loads((folder / MANIFEST).read_text())


def test_the_same_run_gives_the_same_release(run, tmp_path):
    policy = write(tmp_path / "policy", "corner", contract())
    first, second = (export(run, tmp_path / name, [policy.folder]) for name in ("a", "b"))
    assert first.digest == second.digest
    assert first.bundles() == ["corner"]
    assert first.manifest["made_from"]["scenario_digest"] == run.digest
    assert first.read("market/opening.json")["reference_idr"] == run.table("carbon_day")["close_idr"].iloc[-1]
    assert first.read("controllers/corner.json")["digest"] == policy.digest
    assert first.read("services.json")["jobtren"] is None  # the scenario has no labour market
    (tmp_path / "a" / "controllers" / "corner.json").write_text("{}")
    with pytest.raises(TwinError, match="was changed after it was made"):
        load(tmp_path / "a")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep me")
    with pytest.raises(TwinError, match="is no release"):
        export(run, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_the_exchange_adopts_a_releases_rules(run, tmp_path, served_with):
    def dearer(table):
        next(row for row in table if (row["mechanism"], row["name"]) == ("regular", "fee_bp"))["value"] = "100"

    policy = write(tmp_path / "policy", "corner", contract())
    made = export(run, tmp_path / "release", [policy.folder])
    resealed(made.folder, "market/rules.json", dearer)
    Shelf(tmp_path / "data" / "releases").activate(made.folder)
    services = served_with()
    book = services.ok("the-trader", "GET", f"{X}/book")
    assert book["reference_idr"] == made.read("market/opening.json")["reference_idr"]
    x = services.app.state.writer.exchange
    assert x.rules_of["regular"].fee_idr(10_000, 100) == 10_000  # 1 % a side
    assert services.app.state.release.digest == load(made.folder).digest
    assert services.ok("the-trader", "POST", "/v1/laras/questions", {"question": "cuti melahirkan"})["citations"]


def test_a_release_of_other_code_is_refused(run, tmp_path):
    policy = write(tmp_path / "policy", "corner", contract())
    made = export(run, tmp_path / "release", [policy.folder])
    resealed(made.folder, "labour/weights.json", lambda table: table[0].update(seeker_weight="0.9"))
    with pytest.raises(TwinError, match=r"labour/weights.json: is not the installed code's table"):
        must_fit(load(made.folder))
