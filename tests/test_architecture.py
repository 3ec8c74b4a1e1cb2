"""The import ladder of the architecture, walked; and where our packages come from."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOMS = ("controllers", "twin", "envs", "agents", "contracts", "deploy", "dashboards")
MAY_IMPORT = {
    "controllers": set(),
    "twin": {"controllers"},
    "envs": {"twin", "controllers"},
    "agents": {"envs", "twin", "controllers"},
    "contracts": {"twin"},
    "deploy": {"contracts", "twin", "controllers"},
    "dashboards": {"twin", "deploy"},
}
HEAVY = ("torch", "libsumo", "pandas", "gymnasium", "pvlib")


def imported_rooms(source: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and ":" in node.value:
            found.add(node.value.split(".")[0])  # "twin.solar.module:SolarModule", imported by name
    return found & set(ROOMS)


def test_the_walker_sees_every_kind_of_import():
    assert imported_rooms("import twin.city") == {"twin"}
    assert imported_rooms("def f():\n    from agents import ppo") == {"agents"}
    assert imported_rooms("x = 'envs.signal:Signal'") == {"envs"}


@pytest.mark.parametrize("room", ROOMS)
def test_no_arrow_points_the_wrong_way(root: Path, room: str):
    files = sorted((root / room).rglob("*.py"))
    assert files, f"{room} has no module"
    wrong = {
        f"{path.relative_to(root)} imports {target}"
        for path in files
        for target in imported_rooms(path.read_text(encoding="utf-8")) - MAY_IMPORT[room] - {room}
    }
    assert not wrong


def fresh_interpreter(code: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout.strip()


def test_controllers_import_nothing_heavy(root: Path):
    code = f"import sys, controllers; print([name for name in {HEAVY} if name in sys.modules])"
    assert fresh_interpreter(code, root) == "[]"


def test_the_command_line_starts_without_simulators(root: Path):
    heavy = ("torch", "libsumo", "gymnasium", "pvlib", "altair")
    code = f"import sys, twin.cli; print([name for name in {heavy} if name in sys.modules])"
    assert fresh_interpreter(code, root) == "[]"


HELP = """import runpy; sys.argv = ['twin', '--help']
try:
    runpy.run_module('twin', run_name='__main__')
except SystemExit as ended:
    assert ended.code == 0"""


@pytest.mark.parametrize("start", ["import twin", HELP])
def test_the_twin_and_its_help_load_nothing_heavy(root: Path, start: str):
    heavy = ("pandas", "scipy", "mesa", "torch", "libsumo", "numpy", "pyarrow", "numba", "pydantic")
    code = f"import sys; {start}\nprint([name for name in {heavy} if name in sys.modules])"
    assert fresh_interpreter(code, root).splitlines()[-1] == "[]"


@pytest.mark.parametrize("room", ROOMS)
def test_our_packages_resolve_inside_the_repository(root: Path, room: str):
    # sumo-rl installs a top-level `agents` too: from the root, ours must win.
    found = Path(fresh_interpreter(f"import {room}; print({room}.__file__)", root))
    assert found.is_relative_to(root / room)
