"""Every page opens in both languages over runs, over none, and over files that are no runs."""

import pytest

from dashboards.chrome import PAGES
from dashboards.text import catalogue

NAMES = [name for pages in PAGES.values() for name in pages]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", ["id", "en"])
def test_every_page_opens(app, name, language):
    page = app(name, lang=language)
    assert not page.exception
    assert not page.error
    assert page.title[0].value == catalogue()[f"page.{name}"][language]
