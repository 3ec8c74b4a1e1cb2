"""Every notebook is run from its first cell to its last, at a small size, in a folder of its own."""

import json
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
SMALL: dict[str, dict[str, Any]] = {
    "01_tour": {"scenario": "small.yaml", "more_seeds": [2]},
    "02_signals": {"unseen": [], "controllers": ["shipped", "max_pressure"], "seeds": [301, 302], "duration_s": 300,
                   "decisions": 240},
    "03_village_solar": {"weathers": 1, "outages": 2, "training_steps": 700, "episodes": 1},
    "04_carbon_market": {"months": 1, "seeds": [1], "groups": 2, "orders": 20_000},
    "05_labour": {"people": 4000, "months": 7, "seeds": [1, 2]},
    "06_programmes": {"seeds": [1, 2], "draws": 500, "paths": 40},
    "07_knowledge": {"most_questions": 30},
    "08_train_and_export": {"training": ["cologne1"], "candidates": 2, "generations": 1, "train_s": 100,
                            "seeds": [301, 302], "evaluate_s": 200, "loop_s": 60},
    "09_calibration": {"rounds": 1, "quarters": 1, "people": 3000, "truths": 1, "adopters": 3, "months": 1, "seeds": [1]},
    "10_bring_your_own_city": {"horizon_months": 1, "people": 3000, "duration_s": 120},
}  # fmt: skip
SMALL_SCENARIO = """
extends: smoke
name: small
horizon_months: 1
traffic: null
labour: {people: 4000}
"""


def test_there_are_ten_and_each_has_a_small_size():
    assert [path.stem for path in NOTEBOOKS] == list(SMALL)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_kept_as_a_reader_needs_it(path: Path):
    book = json.loads(path.read_text(encoding="utf-8"))
    nbformat.validate(nbformat.from_dict(book))
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code), "stored outputs"
    assert sum("parameters" in cell["metadata"].get("tags", ()) for cell in code) == 1
    text = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "markdown"]
    assert text[0].startswith("# ")
    assert "## Exercises" in text[-1]
    known = papermill.inspect_notebook(str(path))
    assert SMALL[path.stem].keys() <= known.keys(), "a parameter that the notebook does not have"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path: Path, tmp_path: Path, root: Path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(root))
    (tmp_path / "small.yaml").write_text(SMALL_SCENARIO, encoding="utf-8")
    done = papermill.execute_notebook(
        path, tmp_path / path.name, SMALL[path.stem], kernel_name="python3", cwd=tmp_path, progress_bar=False,
        execution_timeout=300,
    )  # fmt: skip
    shown = [output for cell in done.cells for output in cell.get("outputs", ())]
    pictures = [output for output in shown if "image/svg+xml" in output.get("data", {})]
    tables = [output for output in shown if "text/html" in output.get("data", {})]
    assert pictures, "no plot"
    assert tables, "no table"
    warned = [output["text"] for output in shown if output.get("name") == "stderr"]
    assert not any("Warning" in text for text in warned), warned
