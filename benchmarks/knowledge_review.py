"""Twenty synthetic project documents with planted faults: precision and recall of the reviewer by kind of fault."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from twin.knowledge.review import review
from twin.terminal import print_rows

DOCUMENTS, SEED = 20, 20261125
SECTIONS = {
    "baseline": "## Baseline\n\nSkenario dasar: lahan tetap terlantar.",
    "methodology": "## Metodologi\n\nMetodologi AR-ACM0003 digunakan.",
    "additionality": "## Adisionalitas\n\nAdisionalitas: tanpa dana karbon tidak layak.",
    "monitoring": "## Pemantauan\n\nPemantauan dilakukan setiap tahun.",
    "leakage": "## Kebocoran\n\nKebocoran diperkirakan nol.",
    "permanence": "## Permanensi\n\nRisiko non-permanence ditanggung cadangan.",
}
OTHERS = ("methodology-list", "dates", "vintage", "units", "claims agree", "size × factor = claim", "impact")
FAULTS = (*SECTIONS, *OTHERS)


def document(rng: random.Random, faults: set[str]) -> str:
    """A reforestation project in Markdown with these faults planted."""
    hectares, factor = rng.randrange(100, 2000, 10), rng.choice((6, 7, 8, 9))
    factor = 60 if "impact" in faults else factor
    claim = hectares * factor
    stated_factor = factor * 2 if "size × factor = claim" in faults else factor
    period = "2035-2026" if "dates" in faults else "2009-2030" if "vintage" in faults else "2026-2046"
    parts = [
        "# Reboisasi lereng Wilis",
        f"## Ringkasan\n\nReboisasi {hectares} ha menyerap {claim} tCO2e per tahun dalam masa {period}.",
        f"## Perhitungan\n\nSerapan {stated_factor} tCO2e/ha menghasilkan penurunan yang diklaim.",
        *(text for name, text in SECTIONS.items() if name not in faults),
    ]
    if "methodology-list" in faults:
        parts.append("## Lampiran\n\nJuga dipakai VM9999.")
    if "units" in faults:
        parts.append("## Emisi\n\nMesin mengeluarkan 400 kg per tahun.")
    if "claims agree" in faults:
        parts.append(f"## Penutup\n\nJadi {claim + 900} tCO2e per tahun.")
    return "\n\n".join(parts) + "\n"


def measured(seed: int = SEED, documents: int = DOCUMENTS) -> list[dict[str, float | str | int]]:
    """One row a kind of fault: planted, found, false alarms, precision, recall."""
    rng = random.Random(seed)
    counts = {name: [0, 0, 0] for name in FAULTS}
    with tempfile.TemporaryDirectory() as folder:
        for at in range(documents):
            faults = {FAULTS[at % len(FAULTS)], *rng.sample(FAULTS, rng.randrange(0, 3))}
            faults -= {"vintage"} if "dates" in faults else set()  # a document has one period
            path = Path(folder) / f"{at}.md"
            path.write_text(document(rng, faults), encoding="utf-8")
            said = {finding.rule.partition(":")[0] for finding in review(path).findings}
            for name, count in counts.items():
                count[0] += name in faults
                count[1] += name in faults and name in said
                count[2] += name in said and name not in faults
    return [
        {
            "fault": name, "planted": planted, "found": hit, "false_alarms": wrong,
            "precision": hit / (hit + wrong) if hit + wrong else float("nan"),
            "recall": hit / planted if planted else float("nan"),
        }
        for name, (planted, hit, wrong) in counts.items()
    ]  # fmt: skip


if __name__ == "__main__":
    print_rows(measured(), f"{DOCUMENTS} synthetic projects, seed {SEED}", False)
