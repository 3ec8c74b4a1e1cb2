"""Plans written by hand: one reads as meant, and all faults of one are told at once."""

import textwrap

import pytest

from controllers import plan_file
from controllers.cli import main
from controllers.errors import PlanError
from controllers.plan_file import read_plan

EXAMPLE = plan_file.__doc__[plan_file.__doc__.index("    name:") : plan_file.__doc__.index("Names are free")]


def written(tmp_path, text: str):
    path = tmp_path / "plan.yaml"
    path.write_text(textwrap.dedent(text))
    return path


def test_the_example_of_the_page_reads_as_it_says(tmp_path):
    site, safety = read_plan(written(tmp_path, EXAMPLE))
    assert safety == {"priority_hold_s": 90, "detectors_needed_share": 0.5}
    plan = site.plans[0]
    assert plan.phases == ("GrG", "rGr")
    assert plan.conflicts == {(0, 1), (1, 2)}
    assert plan.crossings == (2,)
    assert plan.programme == ((0, 30.0), (1, 20.0))
    assert (plan.max_green_s, plan.clearance_s) == (60.0, 8.0)
    assert site.zones == ("camera-east", "camera-next-junction", "camera-north")
    assert site.zone_of == ((2, 0, -1),)
    assert site.exit_of == ((-1, 1, -1),)


def test_all_faults_of_a_plan_are_told_at_once(tmp_path, capsys):
    path = written(
        tmp_path,
        """
        name: bad
        movement: []
        movements: [{name: north}, {name: east, colour: red}, {name: north}]
        conflicts: [[north, east], [north, west], [east]]
        phases: [{name: both, green: [north, east]}, {name: none, green: [nort]}]
        times: {yellow_s: soon, min_gren_s: 5}
        fallback: {steps: [[bothh, 30], 7]}
        safety: {stale: 3, deadline_s: 0}
        """,
    )
    with pytest.raises(PlanError) as caught:
        read_plan(path)
    told = str(caught.value)
    for words in ("movement: unknown; nearest is 'movements'", "movements[1].colour", "'north' is there twice",
                  "conflicts: no 'west'", "is no pair of movements", "no 'nort'; nearest is 'north'",
                  "times.min_gren_s: unknown; nearest is 'min_green_s'", "yellow_s is 'soon'", "no 'bothh'",
                  "fallback.steps[1]: a pair", "safety.stale: unknown; nearest is 'stale_s'",
                  "safety.deadline_s is 0; above 0"):  # fmt: skip
        assert words in told, words
    assert main(["plan", str(path)]) == 2
    assert "no 'bothh'" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "- 1", "{", "!!python/object/apply:os.system ['true']"])
def test_what_is_no_plan_is_refused(tmp_path, text):
    with pytest.raises(PlanError):
        read_plan(written(tmp_path, text))


def test_phases_that_conflict_are_refused(tmp_path):
    with pytest.raises(PlanError, match="links 0 and 1 green with right of way"):
        read_plan(written(tmp_path, EXAMPLE.replace("green: [east],", "green: [east, north],")))
