"""Every command and every Python line of the README is run as printed."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
SET_UP = {"make run", "make test"}  # what runs this test, and what CONTRIBUTING's drill runs on a fresh clone


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    lines = [line.split("  #")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def test_set_up_is_two_commands():
    made = {re.split(r"\s{2,}", line)[0].split("#")[0].strip() for line in commands() if line.startswith("make")}
    assert made == SET_UP


def test_every_other_command_works_as_printed(root: Path, tmp_path: Path):
    environment = {**os.environ, "PYTHONPATH": str(root)}
    lines = [line for line in commands() if not line.startswith("make")]
    assert len(lines) >= 10
    for line in lines:
        words = shlex.split(line)
        assert words[0] == ".venv/bin/python", line
        done = subprocess.run(
            [sys.executable, *words[1:]], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"


@pytest.mark.parametrize("code", blocks("python"))
def test_the_python_lines_work(root: Path, tmp_path: Path, code: str):
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(root)},
                          capture_output=True, text=True, timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_scenario_of_the_readme_loads(tmp_path: Path):
    from twin.scenario import Scenario

    for i, text in enumerate(blocks("yaml")):
        path = tmp_path / f"{i}.yaml"
        path.write_text(text)
        assert Scenario.load(path).solar.battery_kwh == 9.6


def test_no_page_names_a_path_of_a_machine(root: Path):
    for path in root.glob("*.md"):
        assert not re.search(r"(?<![\w.])/(work|root|home|tmp)/", path.read_text(encoding="utf-8")), path.name
