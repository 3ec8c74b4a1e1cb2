"""Small random markets for the tests."""

import numpy as np
from hypothesis import strategies as st

from twin.labour.matching.lists import Lists, from_tables


def market(rng: np.random.Generator, seekers: int, vacancies: int, strict: bool = True) -> Lists:
    """Random partial lists; `strict` ranks are permutations, others have many ties."""
    acceptable = rng.random((seekers, vacancies)) < 0.7
    s, v = np.nonzero(acceptable)
    if strict:
        own, theirs = (
            rng.permuted(np.tile(np.arange(vacancies), (seekers, 1)), axis=1),
            rng.permuted(np.tile(np.arange(seekers), (vacancies, 1)), axis=1),
        )
    else:
        own, theirs = rng.integers(0, 3, (seekers, vacancies)), rng.integers(0, 3, (vacancies, seekers))
    capacity = rng.integers(1, 4, vacancies)
    lottery = rng.permutation(seekers)
    return from_tables(seekers, capacity, (s, own[s, v], v), (v, theirs[v, s], s), lottery)


@st.composite
def markets(draw, strict: bool | None = None, seekers: int = 7, vacancies: int = 5):
    """A hypothesis strategy for `market`."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.booleans()) if strict is None else strict
    return market(rng, draw(st.integers(1, seekers)), draw(st.integers(1, vacancies)), kind)
