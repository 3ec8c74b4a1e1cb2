"""Files that are written whole, whoever else writes them at the same time."""

from concurrent.futures import ThreadPoolExecutor

from twin.files import write_whole


def test_threads_that_write_one_file_at_once_leave_one_whole_file(tmp_path):
    path = tmp_path / "kept" / "one.json"
    texts = [f"{i}" * 20_000 for i in range(10)] * 20
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda text: write_whole(path, text), texts))
    assert path.read_text() in texts
    assert [one.name for one in path.parent.iterdir()] == ["one.json"]
