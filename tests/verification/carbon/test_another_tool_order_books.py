"""Another tool: order books of other people on one stream, fill by fill."""

import pytest

from twin.carbon.engine.batch import match
from twin.validation.carbon import PEERS, arrays, stream_of


@pytest.mark.parametrize("peer", PEERS)
def test_another_tool_a_book_agrees(peer: str):
    install, seed, book = PEERS[peer]
    stream = stream_of(seed)
    try:
        fills = book(stream)
    except ImportError:
        pytest.skip(f"needs {install}")
    assert len(fills) > 500
    assert match(arrays(stream)).fills.tolist() == fills
