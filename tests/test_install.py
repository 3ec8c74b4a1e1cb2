"""The environment that `make` builds has what the project needs, pinned."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest

NAMED = ("mesa", "sumo-rl", "stable-baselines3", "gymnasium", "torch", "pvlib", "pandas", "jupyterlab", "streamlit",
         "web3", "eth-tester", "pytest")  # fmt: skip


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(root: Path) -> dict[str, str]:
    lines = (root / "constraints.txt").read_text().split()
    return {canonical(name): version for name, _, version in (line.partition("==") for line in lines)}


@pytest.mark.parametrize("package", NAMED)
def test_the_named_packages_are_installed_as_pinned(root: Path, package: str):
    assert importlib.metadata.version(package).split("+")[0] == pinned(root)[canonical(package)]


def test_every_direct_dependency_is_pinned(root: Path):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    names = {canonical(re.match(r"[A-Za-z0-9._-]+", d)[0]) for d in wanted} - {"trenggalek-twin"}
    assert names <= set(pinned(root))
    assert all(pinned(root).values()), "a line of constraints.txt is no name==version"


def test_the_plain_install_is_the_controllers(root: Path):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert {canonical(re.match(r"[A-Za-z0-9._-]+", d)[0]) for d in project["dependencies"]} <= {
        "numpy", "onnxruntime", "paho-mqtt", "aiomqtt",
    }  # fmt: skip


def test_the_test_command_of_ci_is_the_readmes(root: Path):
    assert "make test" in (root / ".ci" / "run").read_text()
    assert re.search(r"^make test\b", (root / "README.md").read_text(), re.MULTILINE)
