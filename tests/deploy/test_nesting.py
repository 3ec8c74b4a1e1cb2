"""How deep JSON is nested, whatever stands in its strings."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.app.nesting import MOST, loads, too_deep

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_theory_the_limit():
    assert loads("[" * MOST + "]" * MOST) is not None
    for text in ("[" * (MOST + 1), '{"a":' * (MOST + 1), "[" * 100_000, '"x"' + "[" * (MOST + 1), '"\\\\"' + "[" * 99):
        assert too_deep(text.encode())
        with pytest.raises(ValueError, match="nested"):
            loads(text)
    assert not too_deep(('["' + "[" * 1000 + '\\"' + "{" * 1000 + '"]').encode())


@given(DOCUMENTS)
def test_agreement_what_is_read_is_what_json_reads(document):
    text = json.dumps(document)
    assert loads(text) == document
    assert not too_deep(text.encode())
