"""Seeded bugs in the contracts, and how many of them the tests catch: `python -m benchmarks.contracts_mutants`.

    python -m benchmarks.contracts_mutants [--part K/N] [--first N]

Needs node and `npm ci` in contracts/. Every mutant drops or turns one check, is compiled into a folder of its own and
its tests run on it. One that the compiler refuses does not count; one that all tests pass on is printed as missed.
All of them take about an hour of one core. Exit code 1 below the target.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from twin import terminal

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = ROOT / "contracts"
TESTS_OF = {
    "TourismNFT.sol": ["tokens"], "WasteToken.sol": ["tokens"], "UmkmPayments.sol": ["tokens"],
    "Settlement.sol": ["settlement", "worked_cases"],
}  # fmt: skip
ALL_TESTS = ["credit", "settlement", "tokens", "worked_cases"]
TARGET_PERCENT = 95
ONE_LINE_GUARD = re.compile(r"^( *)if \((.+)\) revert \w+\(.*\);$")
MODIFIERS = (" running", " nonReentrant")
TURNS = (
    ("Settlement.sol", "move * 100 >", "move * 100 >="),
    ("Settlement.sol", "m.haltedUntil = uint32(block.timestamp) + limits.haltSeconds;", ""),
    ("Settlement.sol", "(m.lastPrice, m.volume) = (f.price, m.volume + f.quantity);", ""),
    ("Settlement.sol", "_uncount(buy, f.quantity);", ""),
    ("Settlement.sol", "_uncount(sell, f.quantity);", ""),
    ("Settlement.sol", "_count(buy, f.quantity);\n        _count", "_count"),
    ("Settlement.sol", "        _count(sell, f.quantity);\n        try", "        try"),
    ("Settlement.sol", 'if (buyer == seller) return (Skip.WashTrade, "");', ""),
    ("Settlement.sol", 'if (f.quantity > limits.largeTrade && !verified) return (Skip.Unverified, "");', ""),
    ("Settlement.sol", 'if (m.volume + f.quantity > limits.dailyCap) return (Skip.DailyCap, "");', ""),
    ("Settlement.sol", 'if (block.timestamp < m.haltedUntil) return (Skip.Halted, "");', ""),
    ("Settlement.sol", "value - fee", "value"),
    ("Settlement.sol", "filled(buy.trader, buy.nonce) + f.quantity > buy.quantity\n                || ", ""),
    ("Settlement.sol", "\n                || filled(sell.trader, sell.nonce) + f.quantity > sell.quantity", ""),
    ("Settlement.sol", "batches = batch + 1;", ""),
    ("Settlement.sol", "(o.nonce & 7) * 32", "(o.nonce & 3) * 32"),
    ("CarbonCredit.sol", "lockUsed[p.lock] = true;", ""),
    ("CarbonCredit.sol", "totals[p.id].minted += p.amount;", ""),
    ("CarbonCredit.sol", "totals[id].reminted += amount;", ""),
    ("CarbonCredit.sol", "totals[id].retired += amount;", ""),
    ("CarbonCredit.sol", "totals[id].cancelled += amount;", ""),
    ("CarbonCredit.sol", "next <= now_", "next < now_"),
    ("CarbonCredit.sol", "request = remints++;", "request = remints;"),
    ("CarbonVault.sol", "CREDITS.retire(id, amount);", ""),
    ("CarbonVault.sol", "number = ++certificates", "number = certificates + 1"),
    ("Registry.sol", "first.verified && second.verified", "first.verified || second.verified"),
    ("Registry.sol", "limitsReadyAt = 0;", ""),
    ("Registry.sol", "uint48(block.timestamp) + LIMITS_DELAY", "uint48(block.timestamp)"),
    ("WasteToken.sol", "used[number] = true;", ""),
    ("WasteToken.sol", "earned[household][period] += amount;", ""),
    ("TourismNFT.sol", "o.price - share", "o.price"),
    ("UmkmPayments.sol", "i.refunded += amount;", ""),
    ("UmkmPayments.sol", "i.payer = msg.sender;", "i.payer = i.merchant;"),
)


def mutants() -> list[tuple[str, str, str, str]]:
    """(file, what was done, the source before, after): every guard dropped, every modifier dropped, and TURNS."""
    found = []
    for path in sorted((CONTRACTS / "solidity").glob("*.sol")):
        if path.name in ("HostileReceiver.sol", "OnChainBook.sol"):  # a test's, and a measurement's
            continue
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines(keepends=True)
        for n, line in enumerate(lines):
            changed = []
            if ONE_LINE_GUARD.match(line.rstrip()):
                changed.append(("drop", "\n"))
            changed += [(f"drop{m}", line.replace(m, "", 1)) for m in MODIFIERS if m in line and "function" in text]
            if (role := re.search(r" only(Role)?\([A-Z_.()]+\)(?= |$|\n)", line)) and "modifier" not in line:
                changed.append((f"drop{role[0]}", line.replace(role[0], "", 1)))
            for what, new in changed:
                found.append(
                    (
                        path.name,
                        f"line {n + 1}: {what} {line.strip()}",
                        text,
                        "".join([*lines[:n], new, *lines[n + 1 :]]),
                    )
                )
        found += [(f, f"{a} -> {b}", text, text.replace(a, b, 1)) for f, a, b in TURNS if f == path.name and a in text]
    return [m for m in found if m[2] != m[3]]


def survives(name: str, source: str) -> bool | None:
    """Whether all tests pass on a mutant; None where it does not compile."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for part in ("contracts", "tests"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
        for part in ("twin", "controllers"):
            (copy / part).symlink_to(ROOT / part)
        shutil.copy(ROOT / "pyproject.toml", copy)
        (copy / "contracts" / "solidity" / name).write_text(source, encoding="utf-8")
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        env |= {"SOURCES": str(copy / "contracts/solidity"), "ARTEFACTS": str(copy / "contracts/artefacts")}
        if name != "Guarded.sol":  # whose code is in all others
            env["ONLY"] = name.removesuffix(".sol")
            env |= {} if name == "Settlement.sol" else {"LEGACY": "1"}  # in a third of the time; too deep a stack there
        if subprocess.run(["node", str(CONTRACTS / "compile.js")], env=env, capture_output=True).returncode:
            return None
        _seal(copy / "contracts")
        tests = [f"tests/contracts/test_{part}.py" for part in TESTS_OF.get(name, ALL_TESTS)]
        command = [sys.executable, "-m", "pytest", "-x", "-p", "no:xdist", "-p", "no:cacheprovider", *tests]
        return subprocess.run(command, cwd=copy, env=env, capture_output=True).returncode == 0


def _seal(contracts: Path) -> None:
    """Write the changed sources' digest into every artefact, so that the loader takes them."""
    sources = b"".join(path.read_bytes() for path in sorted((contracts / "solidity").glob("*.sol")))
    for path in (contracts / "artefacts").glob("*.json"):
        artefact = json.loads(path.read_text(encoding="utf-8"))
        artefact["sources_sha256"] = hashlib.sha256(sources).hexdigest()
        path.write_text(json.dumps(artefact), encoding="utf-8")


def main() -> None:
    """Print each mutant as it is judged, then the score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", default="1/1", help="every N-th mutant from the K-th on, for N machines")
    parser.add_argument("--first", type=int, default=1, help="begin with this one, where a run was cut off")
    given = parser.parse_args()
    if not (CONTRACTS / "node_modules" / "solc").is_dir():
        sys.exit("contracts/node_modules is not there: `npm ci` in contracts/ installs the compiler")
    part, of = map(int, given.part.split("/"))
    caught, missed, every = 0, list[str](), mutants()
    for number in range(max(part, given.first), len(every) + 1, of):
        name, what, _, source = every[number - 1]
        alive = survives(name, source)
        verdict = "no mutant" if alive is None else "MISSED" if alive else "caught"
        terminal.tell(f"{number} of {len(every)}: {verdict}  {name}: {what}")
        caught += alive is False
        missed += [f"{name}: {what}"] if alive else []
    percent = 100 * caught / max(1, caught + len(missed))
    terminal.say(f"{caught} of {caught + len(missed)} mutants caught: {percent:.1f} % (target {TARGET_PERCENT} %)")
    sys.exit(percent < TARGET_PERCENT)


if __name__ == "__main__":
    main()
