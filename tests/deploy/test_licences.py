"""Licences of what an installation brings, and the page of threats: nothing unknown, and no test that there is not."""

import re
from pathlib import Path

import pytest

from deploy.site import licences

THREATS = Path(licences.__file__).parent / "pages" / "explanation" / "threats.md"
FREE = {"permissive", "weak copyleft"}


@pytest.fixture(scope="module")
def brought() -> list[licences.Licence]:
    return licences.licences()


def test_no_licence_is_unknown_or_forbidden_without_a_reason(brought):
    assert not [one for one in brought if one.kind not in FREE and not one.why]


def test_what_is_brought_is_all_of_it_and_none_of_the_tests(brought):
    names = {one.package for one in brought}
    assert {"numpy", "torch", "mesa", "eclipse-sumo", "ray", "streamlit", "typing-extensions"} <= names
    assert not names & {"pytest", "hypothesis", "ruff", "trenggalek-twin"}


def test_reasons_are_for_packages_that_need_one(brought):
    for row in licences.read_rows(licences.ALLOWED):
        assert row["why"]
        one = licences.importlib.metadata.distribution(row["package"])
        assert licences.class_of(licences.stated(one)) not in FREE, f"{row['package']} needs no line any more"
        assert row["package"] in {each.package for each in brought}


@pytest.mark.parametrize(
    ("licence", "kind"),
    [
        ("MIT", "permissive"), ("BSD-3-Clause AND 0BSD AND Zlib", "permissive"), ("LGPL-3.0-only", "weak copyleft"),
        ("EPL-2.0 OR GPL-2.0-or-later", "weak copyleft"), ("MPL-2.0 AND MIT", "weak copyleft"), ("AGPL-3.0", "copyleft"),
        ("GNU General Public License v3 (GPLv3)", "copyleft"), ("MIT AND GPL-2.0-only", "copyleft"),
        ("GNU Lesser General Public License v2 (LGPLv2)", "weak copyleft"), ("", "unknown"),
        ("NVIDIA Proprietary Software", "unknown"), ("Apache-2.0 AND LicenseRef-Custom", "unknown"),
    ],
)  # fmt: skip
def test_classes_by_hand(licence, kind):
    assert licences.class_of(licence) == kind


def test_every_test_that_the_page_of_threats_names_is_there(root):
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", THREATS.read_text(encoding="utf-8"))
    assert len(named) > 15
    missing = [f"{f}::{t}" for f, t in named if f"def {t}(" not in (root / f).read_text(encoding="utf-8")]
    assert not missing
