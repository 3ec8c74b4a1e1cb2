"""Licences of everything that an installation of the twin brings, as the packages themselves state them.

A licence is of a class: `permissive`, `weak copyleft` (its own files stay open; ours are free), `copyleft`, `unknown`.
What is neither of the first two has a line in `licences.csv` that says what it is and why it may be there.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.site.markdown import table
from twin.files import read_rows

OURS, EXTRA = "trenggalek-twin", "all"
BEST_FIRST = ("permissive", "weak copyleft", "copyleft", "unknown")
PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
ALLOWED = Path(__file__).parent / "licences.csv"
PAGE = "reference/licences.md"
INTRODUCTION = """# Licences of what it stands on

Trenggalek Twin is Apache-2.0. An installation with everything (`trenggalek-twin[all]`) brings the packages below; the
table is made with the site, from what each package says of itself. `make sbom` writes the same as a CycloneDX bill of
materials, with hashes and versions, to `build/sbom.json`.
"""
CLASSES = (  # the first that is found in a licence's name
    ("weak copyleft", r"\bL(esser )?GPL|lesser general public|\bMPL|mozilla public|\bEPL|eclipse public|\bCDDL"),
    ("copyleft", r"\bA?GPL|general public license|\bEUPL|\bSSPL"),
    (
        "permissive",
        r"\bMIT\b|\bBSD\b|\b0BSD|\b[0-3]-?clause|\bCNRI|\bApache|\bISC\b|\bISCL\b|\bPSF|python software foundation"
        r"|\bZlib\b|unlicense"
        r"|\bCC0|\bHPND|\bZPL|zope public|public domain|\bBSL-1|boost|\bNCSA|\bOFL|\bWTFPL",
    ),
)


@dataclass(frozen=True)
class Licence:
    """What a package says of its licence, the class of that, and why it is allowed where it has to be."""

    package: str
    version: str
    licence: str
    kind: str
    why: str = ""


def licences() -> list[Licence]:
    """One a package that an installation with everything brings, by name."""
    allowed = {row["package"]: row for row in read_rows(ALLOWED)}
    found = []
    for name in sorted(_brought()):
        one = importlib.metadata.distribution(name)
        said = stated(one)
        own = allowed.get(name)
        kind = own["class"] if own else class_of(said)
        found.append(Licence(name, one.version, own["licence"] if own else said, kind, own["why"] if own else ""))
    return found


def stated(one: importlib.metadata.Distribution) -> str:
    """The licence by the package's metadata: the expression (PEP 639), else the classifiers, else the free text."""
    data = one.metadata
    classifiers = [text.split(" :: ")[-1] for text in data.get_all("Classifier") or () if text.startswith("License ::")]

    def one_of(name: str) -> str:
        return (data.get_all(name) or [""])[0].strip().split("\n")[0]

    plain = [text for text in classifiers if text != "OSI Approved"]
    return one_of("License-Expression") or " / ".join(plain) or one_of("License")


def class_of(licence: str) -> str:
    """The class of a licence's name. Of an expression with OR, or several classifiers, the best counts, with AND the
    worst."""
    for between, choose in ((r"\bOR\b| / ", min), (r"\bAND\b", max)):
        parts = re.split(between, licence)
        if len(parts) > 1:
            return choose(map(class_of, parts), key=BEST_FIRST.index)
    found = (kind for kind, pattern in CLASSES if re.search(pattern, licence, re.IGNORECASE))
    return next(found, "unknown")


def page() -> str:
    """The table as Markdown."""
    rows = [(one.package, one.version, one.licence, one.kind, one.why) for one in licences()]
    return "\n".join([INTRODUCTION, table(("package", "version", "licence", "class", "why it may be there"), rows)])


def _brought() -> set[str]:
    """Names of all packages that `trenggalek-twin[all]` asks for, and those that they ask for, as installed here."""
    found: set[str] = set()
    waiting = [(OURS, EXTRA)]
    while waiting:
        asked = waiting.pop()
        for name, extra in _asked(*asked):
            if name != OURS and not extra:
                if name in found:
                    continue
                found.add(name)
            waiting.append((name, extra))
    return found


def _asked(name: str, extra: str) -> Iterator[tuple[str, str]]:
    for one in map(Requirement, _ours(extra) if name == OURS else importlib.metadata.requires(name) or ()):
        if one.marker is not None and not one.marker.evaluate({"extra": extra}):
            continue
        if canonicalize_name(one.name) != OURS:
            yield canonicalize_name(one.name), ""
        yield from ((canonicalize_name(one.name), word) for word in one.extras)


def _ours(extra: str) -> list[str]:
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *(project["optional-dependencies"][extra] if extra else ())]


if __name__ == "__main__":
    sys.stdout.write(page())
