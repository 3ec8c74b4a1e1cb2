"""What a notebook sees: short imports, tables of runs, tab completion; and what a hostile name does there."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from markupsafe import escape

import twin
from controllers.bundle import Bundle
from twin import Run, Scenario, simulate
from twin.kpi import Scores, score


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    programmes = Scenario.load("smoke", ["traffic=null", "solar=null", "labour=null", "carbon=null"])
    with simulate(programmes, seed=3, out=tmp_path_factory.mktemp("runs")) as run:
        yield run


def test_the_short_imports_are_the_real_ones():
    from twin.scenario import Scenario as Real

    assert Scenario is Real
    assert dir(twin) == ["City", "Run", "Scenario", "simulate"]
    with pytest.raises(AttributeError, match="Scenari"):
        twin.Scenari  # noqa: B018


def test_importing_twin_imports_no_simulator(root: Path):
    code = "import sys, twin; print(any(name in sys.modules for name in ('pandas', 'mesa', 'libsumo')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_simulate_opens_the_run_that_was_asked_for(run: Run):
    assert (run.seed, run.scenario.traffic) == (3, None)
    assert run["ledger"].equals(run.table("ledger"))
    assert run._ipython_key_completions_() == run.tables


def test_key_figures_are_a_frame_and_a_table(run: Run):
    frame, known = run.kpis.frame(), [one for one in score(run) if one.value is not None]
    assert list(frame.index) == [one.kpi.name for one in run.kpis]
    page = run._repr_html_()
    assert all(str(escape(one.kpi.title_en)) in page for one in known)
    assert page.count("<abbr title=") == sum(one.kpi.prior for one in known)
    assert f"{len(run.kpis) - len(known)} more indicators" in page


def test_nothing_known_is_a_table_that_says_so():
    assert "more indicators" not in Scores()._repr_html_()


def test_a_scenario_shows_what_differs_from_the_defaults():
    page = Scenario.load("smoke", ["traffic=null", "solar.panels=7"])._repr_html_()
    assert "<b>7</b>" in page
    assert "Not simulated: traffic." in page


def test_a_name_is_text_and_never_markup():
    hostile = Scenario.load("smoke").model_copy(update={"description": "<script>alert(1)</script>"})
    assert "<script>" not in hostile._repr_html_()
    manifest = {"name": "<b>x", "kind": "signals", "digest": "0", "files": {"<i>": {"bytes": 1}}, "made_from": {}}
    bundle = Bundle(Path("x"), manifest, {}, None, None)
    page = bundle._repr_html_()
    assert "&lt;b&gt;x" in page
    assert "<i>" not in page
    assert "nobody" in page
    assert "someone" in replace(bundle, signed_by="someone")._repr_html_()
