"""LARAS on a second corpus, and its speed: docstrings of the installed scientific packages, a document each.

The first line of a docstring is the question, the rest the document: known-item search in English, where the words of
question and document are close. Latency is that of a whole answer without generation; plain BM25's, that of its
ranking alone.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import os
import random
import resource
import statistics
import tempfile
import time
from pathlib import Path

from twin.knowledge.evaluation.evaluate import DEEPEST, plain_bm25
from twin.knowledge.evaluation.measures import hit_at, paired, reciprocal_rank, share
from twin.knowledge.index.ingest import ingest
from twin.knowledge.index.search import Searcher
from twin.knowledge.laras.answer import ask
from twin.terminal import print_rows

MODULES = (
    "numpy", "numpy.linalg", "numpy.fft", "numpy.random", "scipy.stats", "scipy.signal", "scipy.optimize",
    "scipy.linalg",
    "scipy.special", "scipy.sparse", "scipy.ndimage", "scipy.interpolate", "scipy.spatial", "scipy.integrate",
    "pandas",
    "networkx", "scipy.fft", "scipy.cluster.hierarchy", "scipy.sparse.linalg", "scipy.spatial.distance",
)  # fmt: skip
SEED, QUESTIONS = 20261125, 200


def documented() -> dict[str, tuple[str, str]]:
    """First line and rest of every public docstring that has both, by name."""
    found = {}
    for module in MODULES:
        loaded = importlib.import_module(module)
        for name in dir(loaded):
            doc = inspect.getdoc(getattr(loaded, name)) if not name.startswith("_") else None
            first, _, rest = (doc or "").strip().partition("\n\n")
            if 4 <= len(first.split()) <= 30 and len(rest.split()) >= 30 and "(" not in first:
                found.setdefault(name, (first, rest))
    return found


def measured(documents: int) -> dict[str, float | int | str]:
    """Index so many documents; hits against plain bm25s, answer latency, peak memory of the process."""
    names = sorted(documented())
    random.Random(SEED).shuffle(names)
    names, texts = names[:documents], documented()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "docs"
        folder.mkdir()
        for name in names:
            (folder / f"{name}.txt").write_text(texts[name][1], encoding="utf-8")
        began = time.perf_counter()
        done = ingest(folder, Path(scratch) / "index")
        built_s = time.perf_counter() - began
        began = time.perf_counter()
        again = ingest(folder, Path(scratch) / "index")
        again_s = time.perf_counter() - began
        searcher = Searcher.open(Path(scratch) / "index")
    plain, ranks, seconds, plain_seconds = plain_bm25(searcher.index.chunks), {"ours": [], "plain": []}, [], []
    for name in names[:QUESTIONS]:
        question = texts[name][0]
        began = time.perf_counter()
        lists = {"plain": plain(question)}
        plain_seconds.append(time.perf_counter() - began)
        lists["ours"] = [hit.chunk for hit in searcher.search(question, DEEPEST)]
        for method, chunks in lists.items():
            right = (at for at, chunk in enumerate(chunks, 1) if chunk.document == f"{name}.txt")
            ranks[method].append(next(right, None))
        seconds.append(ask(searcher, question).seconds)
    ours, theirs = ([hit_at(rank, 3) for rank in ranks[method]] for method in ("ours", "plain"))
    value, low, high = share(sum(ours), len(ours))
    return {
        "documents": len(names), "passages": done.chunks, "ingest_s": built_s, "unchanged_again_s": again_s,
        "reread": len(again.read), "p50_s": statistics.median(seconds), "p99_s": _p99(seconds),
        "plain_p50_s": statistics.median(plain_seconds), "plain_p99_s": _p99(plain_seconds),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "hit1": sum(hit_at(rank, 1) for rank in ranks["ours"]) / len(ours), "hit3": value,
        "hit3_interval": f"{low:.2f}–{high:.2f}", "mrr": statistics.mean(map(reciprocal_rank, ranks["ours"])),
        "plain_hit1": sum(hit_at(rank, 1) for rank in ranks["plain"]) / len(ours),
        "plain_hit3": sum(theirs) / len(theirs), "p_value": paired(ours, theirs)[2],
    }  # fmt: skip


def _p99(seconds: list[float]) -> float:
    return sorted(seconds)[min(int(0.99 * len(seconds)), len(seconds) - 1)]


def main() -> None:
    """Measure and print a row a size; peak memory includes the smaller sizes before it and the packages read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", default="10,100,1000")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    given = parser.parse_args()
    rows = []
    for documents in map(int, given.documents.split(",")):
        row = measured(documents)
        rows.append(row)
        title = f"{documents} documents, {os.cpu_count()} cores"
        print_rows([{"figure": name, "value": value} for name, value in row.items()], title, False)
    if given.json is not None:
        given.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
