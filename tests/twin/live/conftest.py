"""A street to live, for the tests of a followed city."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from towns import town_in


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The network of one signal between three roads, in a cache of its own."""
    folder = tmp_path_factory.mktemp("town")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWIN_CACHE", str(folder / "cache"))
        yield town_in(folder)
