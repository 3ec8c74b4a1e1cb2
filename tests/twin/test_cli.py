"""The command line as its users meet it."""

import json
from pathlib import Path

import pytest

BROKEN = sorted((Path(__file__).parent / "broken_scenarios").glob("*.yaml"))


@pytest.fixture(scope="module")
def folder(twin, tmp_path_factory) -> Path:
    """A folder with two seeds of smoke and one variant of it."""
    folder = tmp_path_factory.mktemp("cli")
    assert twin("run", "smoke", "--seeds", "1..2", cwd=folder).returncode == 0
    assert twin("run", "smoke", "--set", "solar.panels=4", "--set", "name=more", cwd=folder).returncode == 0
    return folder


def test_run_prints_figures_and_where_the_run_is(twin, folder):
    done = twin("run", "smoke", cwd=folder)
    assert done.returncode == 0
    assert "solar_load_served_percent" in done.stdout
    assert "* stands on a prior" in done.stdout
    assert "run (found): runs/smoke-s1-" in done.stdout


def test_run_json_is_one_document_and_nothing_else(twin, folder):
    done = twin("run", "smoke", "--json", cwd=folder)
    document = json.loads(done.stdout)
    assert {"run", "digest", "seed", "kpis"} <= set(document)
    assert document["seed"] == 1
    assert (folder / document["run"]).is_file()
    assert all({"name", "value", "unit", "better", "target", "prior"} <= set(kpi) for kpi in document["kpis"])
    assert done.stderr == ""


def test_several_seeds_give_a_list(twin, folder):
    documents = json.loads(twin("run", "smoke", "--seeds", "1,2", "--json", cwd=folder).stdout)
    assert [d["seed"] for d in documents] == [1, 2]
    assert documents[0]["digest"] == documents[1]["digest"]


def test_list_show_and_compare(twin, folder):
    rows = json.loads(twin("list", "--json", cwd=folder).stdout)
    assert sorted((row["scenario"], row["seed"]) for row in rows) == [("more", 1), ("smoke", 1), ("smoke", 2)]
    shown = json.loads(twin("show", "smoke-s1", "--json", cwd=folder).stdout)
    assert shown["provenance"]["seed"] == 1
    assert shown["rows"]["solar_total"] > 0
    compared = json.loads(twin("compare", "smoke", "more", "--json", cwd=folder).stdout)
    pv = next(row for row in compared if row["name"] == "solar_pv_kwh")
    smoke, more = pv["scenarios"]
    assert (smoke["seeds"], more["seeds"]) == ([1, 2], [1])
    assert smoke["half_width"] > 0
    assert more["difference"]["mean"] > 0  # twice the panels give more
    for words in (["list"], ["show", "smoke-s1", "--all"], ["compare", "smoke", "more"]):
        assert twin(*words, cwd=folder).returncode == 0


def test_replay_is_identical_and_says_so(twin, folder):
    done = twin("replay", "smoke-s1", "--json", cwd=folder)
    assert done.returncode == 0
    assert json.loads(done.stdout) == {"identical": True, "first_difference": None, "remarks": []}


def test_export_and_report(twin, folder):
    done = twin("export", "smoke-s1", "--format", "csv", "--to", "tables", cwd=folder)
    assert done.returncode == 0
    assert (folder / "tables" / "solar_total.csv").read_text().startswith("month,")
    assert twin("export", "smoke-s1", "--to", "tables", cwd=folder).returncode == 0
    assert (folder / "tables" / "dictionary.parquet").is_file()
    assert twin("export", "smoke-s1", "--format", "xls", cwd=folder).returncode == 2
    done = twin("report", "smoke-s1", "--to", "page.html", cwd=folder)
    assert done.stdout.strip() == "report: page.html"


def test_budget_as_json(twin):
    rows = json.loads(twin("budget", "--json").stdout)
    assert all(set(row) == {"programme", "item", "stated_idr", "computed_idr", "difference_idr"} for row in rows)
    assert all(row["stated_idr"] - row["computed_idr"] == row["difference_idr"] != 0 for row in rows)
    assert {"signals", "podcast", "aipreneur", "ecobalance", "jobtren"} <= {row["programme"] for row in rows}
    both = json.loads(twin("budget", "--inconsistencies", "--json").stdout)
    assert both["budget"] == rows
    assert both["inconsistencies"]


def test_check_says_nothing_of_a_sound_scenario(twin):
    done = twin("check", "book")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_check_refuses_a_broken_scenario_with_code_2(twin, path):
    done = twin("check", path)
    assert done.returncode == 2
    assert "fault" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "smokee"], "did you mean 'smoke'?"),
        (["run", "smoke", "--seed", "-1"], "Invalid value"),
        (["run", "smoke", "--seeds", "5..1"], "is not 7, 1..5 or 1,3,5"),
        (["run", "smoke", "--sett", "x=1"], "No such option"),
        (["show", "nothing"], "no such run"),
        (["replay", "README.md"], "no run of the twin"),
        (["runn"], "No such command"),
    ],
)
def test_a_users_mistake_is_one_message_and_code_2(twin, words, message):
    done = twin(*words)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [[], ["run"], ["list"], ["show"], ["compare"], ["replay"], ["report"], ["export"],
                                   ["check"], ["budget"], ["places"], ["places", "import"]])  # fmt: skip
def test_help_teaches_with_an_example(twin, words):
    done = twin(*words, "--help")
    assert done.returncode == 0
    assert not words or words == ["places"] or "python -m twin" in done.stdout


def test_places_import_and_its_faults(twin, tmp_path):
    good = tmp_path / "offices.csv"
    good.write_text("kode,lat,lon\n35.03.01.2001,-8.24,111.42\n")
    assert twin("places", "import", good, cwd=tmp_path).returncode == 0
    again = twin("places", "import", good, cwd=tmp_path)
    assert again.returncode == 2  # the table is there already: nothing is overwritten unasked
    assert "--force" in again.stderr
    assert twin("places", "import", good, "--force", cwd=tmp_path).returncode == 0
    good.write_text("kode,lat,lon\n35.03.01.2001,-6.2,106.8\n35.03.01.9999,-8.24,111.42\n")
    done = twin("places", "import", good, "--to", "other.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert "2 faults" in done.stderr
    assert not (tmp_path / "other.csv").exists()
