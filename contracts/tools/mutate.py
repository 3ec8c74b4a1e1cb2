"""`python contracts/tools/mutate.py [--shard I/N]`: seed bugs one at a time and count those that the tests catch.

A bug is a check dropped, a role not asked for, or a sum that is off. Mutants are compiled without the optimiser, into a
folder of their own; node is needed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "contracts" / "solidity"
SWAPS = (
    ("Settlement.sol", "valueIdr - feeIdr", "valueIdr"),
    ("Settlement.sol", "return 2 * feeIdr", "return feeIdr"),
    ("Settlement.sol", "done + tco2e", "done"),
    ("Settlement.sol", "m.haltedUntil = uint40(block.timestamp + limits.haltS);", ""),
    ("Settlement.sol", "volume[day] += fill.tco2e;", ""),
    ("CarbonCredit.sol", "used[permit.lock] = true;", ""),
    ("CarbonCredit.sol", "tally[id].retired += tco2e;", ""),
    ("CarbonCredit.sol", "number = ++reminted;", "number = reminted;"),
    ("TourismNFT.sol", "delete priceIdr[number];", ""),
    ("WasteToken.sol", "collectedKg[person][day] += kg;", ""),
    ("UmkmPayments.sol", "i.state = State.Refunded;", ""),
)
RUN = """
import sys
from pathlib import Path
import contracts.artefacts as artefacts
artefacts.FOLDER = Path(sys.argv[1])
import pytest
sys.exit(pytest.main(["-x", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", "--tb=line",
                      "-m", "not slow", "tests/contracts",
                      "--deselect", "tests/contracts/test_artefacts.py"]))
"""


def mutants() -> Iterator[tuple[str, str, str]]:
    """File, what was changed, and the file's text with the bug in it."""
    for path in sorted(SOURCES.glob("*.sol")):
        text = path.read_text(encoding="utf-8")
        checks = [m.group(0) for m in re.finditer(r"^ +if \([^\n]*\) revert [^;]*;", text, re.MULTILINE)]
        checks += [m.group(0) for m in re.finditer(r"^ +if \([^\n]*\) \{\n +revert [^;]*;\n +\}", text, re.MULTILINE)]
        roles = [
            m.group(0) for m in re.finditer(r"\b(only|onlyRole)\([A-Za-z.0-9_]+(\(\))?\)(?= |\n)(?! \{\n +if)", text)
        ]
        for found in [*checks, *dict.fromkeys(roles)]:
            yield path.name, "drop " + " ".join(found.split()), text.replace(found, "", 1)
        for name, old, new in SWAPS:
            if name == path.name:
                yield name, f"{old} → {new or 'nothing'}", text.replace(old, new, 1)


def survives(name: str, text: str) -> bool:
    """Whether the tests pass with this bug."""
    sys.path.insert(0, str(ROOT))
    from contracts import artefacts

    with tempfile.TemporaryDirectory() as folder:
        sources, out = Path(folder, "solidity"), Path(folder, "artefacts")
        shutil.copytree(SOURCES, sources)
        (sources / name).write_text(text, encoding="utf-8")
        out.mkdir()
        for file, content in artefacts.texts(artefacts.compiled(sources, "unoptimised"), sources).items():
            (out / file).write_text(content, encoding="utf-8")
        done = subprocess.run([sys.executable, "-c", RUN, str(out)], cwd=ROOT, capture_output=True, text=True)
        if done.returncode > 1:
            raise SystemExit(f"the tests did not run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.returncode == 0


def main() -> int:
    """Print every survivor and the score; exit code 1 below 95 %."""
    shard, shards = map(int, sys.argv[2].split("/")) if sys.argv[1:2] == ["--shard"] else (0, 1)
    caught = tried = 0
    for name, what, text in list(mutants())[shard::shards]:
        alive = survives(name, text)
        tried, caught = tried + 1, caught + (not alive)
        print(f"{'SURVIVES' if alive else 'caught  '} {caught}/{tried} {name}: {what}", flush=True)  # noqa: T201
    print(f"mutation score {100 * caught / tried:.1f} % ({caught} of {tried})")  # noqa: T201
    return int(caught < 0.95 * tried)


if __name__ == "__main__":
    sys.exit(main())
