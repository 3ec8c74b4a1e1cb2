"""The brief: two printable pages in Bahasa Indonesia about a run, or about one of its programmes (PDF, fpdf2)."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import vl_convert
from fpdf import FPDF
from fpdf.enums import TableCellFillMode
from fpdf.fonts import FontFace

from twin.figures import FIGURES
from twin.kpi import Score, score
from twin.programmes.facts import PROGRAMMES
from twin.run import Run
from twin.wording import programme_names, worded

CITY_FIGURES = ("benefit_wedge", "cost_curve", "targets")
# Figures that a programme's brief shows; `programme_npv` is every programme's.
PROGRAMME_FIGURES: Mapping[str, tuple[str, ...]] = {
    "signals": ("traffic_delay", "signal_timing"), "solar": ("solar_energy", "solar_outage_day"),
    "ecobalance": ("carbon_price", "carbon_volume"), "jobtren": ("labour_unemployment", "beveridge"),
}  # fmt: skip
MOST_ROWS = 33
CHART_PX, CHART_MM = 190, (58, 105)  # height of a chart; of the chart of all targets
PRIOR_FILL = (255, 243, 214)
HEADING = FontFace(emphasis="BOLD", fill_color=(230, 238, 245))


def brief(run: Run, programme: str | None = None) -> bytes:
    """Two pages: verdicts, money and targets; then charts and what it stands on. Equal bytes for an equal run."""
    page = FPDF(format="A4")
    page.set_creation_date(datetime.fromisoformat(run.provenance["finished_utc"]))
    page.set_lang("id")
    page.set_title(f"{_title(programme)} - {run.scenario.name}")
    page.set_auto_page_break(True, margin=12)
    page.set_margins(15, 12)
    page.add_page()
    _heading(page, run, programme)
    scores = [s for s in score(run) if s.value is not None and programme in (None, s.kpi.programme)]
    _money(page, run, programme)
    _figures(page, scores)
    page.add_page()
    _charts(page, run, programme)
    _basis(page, run, scores)
    return bytes(page.output())


def write_briefs(run: Run, folder: Path) -> list[Path]:
    """The brief of the run and one of each programme, beside each other."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for programme in (None, *PROGRAMMES):
        path = folder / f"{run.path.stem}-{programme or 'ringkasan'}.pdf"
        beside = path.with_suffix(".partial")
        beside.write_bytes(brief(run, programme))
        beside.replace(path)
        written.append(path)
    return written


def names() -> Mapping[str, str]:
    """The programmes' names in Indonesian."""
    return programme_names("id")


def rupiah(value: float | None) -> str:
    """An amount in words of size, as Indonesian writes it."""
    if value is None or value != value:
        return "-"
    for size, word in ((1e12, "triliun"), (1e9, "miliar"), (1e6, "juta")):
        if abs(value) >= size:
            return f"Rp {value / size:,.2f} {word}".translate(str.maketrans(",.", ".,"))
    return f"Rp {value:,.0f}".replace(",", ".")


def figure(value: float | None, unit: str) -> str:
    """A value as Indonesian writes it."""
    if unit == "Rp" or value is None:
        return rupiah(value)
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return text.translate(str.maketrans(",.", ".,"))


def _title(programme: str | None) -> str:
    return names()[programme] if programme else "Sembilan program digital Trenggalek"


def _latin(text: str) -> str:
    """Text for the PDF's built-in fonts."""
    plain = text.replace("–", "-").replace("—", "-").replace("≥", ">=").replace("≤", "<=").replace("·", "-")
    return plain.encode("latin-1", "replace").decode("latin-1")


def _write(page: FPDF, text: str, size: float = 9.5, style: str = "") -> None:
    page.set_font("helvetica", style, size)
    page.multi_cell(0, size * 0.5, _latin(text), align="L", new_x="LMARGIN", new_y="NEXT")


def _heading(page: FPDF, run: Run, programme: str | None) -> None:
    _write(page, f"Ringkasan untuk pengambil keputusan: {_title(programme)}", 15, "B")
    _write(
        page,
        f"Skenario {run.scenario.name}, {run.scenario.horizon_months} bulan sejak {run.scenario.start}, "
        f"benih {run.seed}. "
        "Kembaran digital Kabupaten Trenggalek: jawaban atas \"bagaimana jika\", bukan ramalan. "
        "Baris berlatar kuning berdiri di atas taksiran (prior), bukan pengukuran. Sasaran adalah klaim buku "
        "Profil Riset Trenggalek 2025 yang diuji di sini.",
    )  # fmt: skip
    page.ln(2)


def _table(
    page: FPDF, headers: Sequence[str], rows: Sequence[tuple[bool, Sequence[str]]], widths: Sequence[int]
) -> None:
    page.set_font("helvetica", size=7.5)
    with page.table(col_widths=widths, line_height=4.1, headings_style=HEADING, width=180,
                    cell_fill_mode=TableCellFillMode.NONE) as table:  # fmt: skip
        table.row([_latin(header) for header in headers])
        for prior, cells in rows:
            style = FontFace(fill_color=PRIOR_FILL) if prior else None
            table.row([_latin(cell) for cell in cells], style=style)
    page.ln(2)


def _money(page: FPDF, run: Run, programme: str | None) -> None:
    if not run.has("appraisal"):
        return
    _write(page, "Uang: nilai kini bersih (NPV) dengan rentang 10-90 % dari undian", 11, "B")
    rows = []
    for one in run.table("appraisal").to_dict("records"):
        if programme not in (None, one["programme"]):
            continue
        low, median, high, cost = (rupiah(one[f"{key}_idr"]) for key in ("npv_p10", "npv_p50", "npv_p90", "cost"))
        likely = f"{100 * one['probability_npv_positive']:.0f} %"
        cells = [names()[one["programme"]], cost, median, f"{low} s.d. {high}", figure(one["bcr"], "-"), likely]
        rows.append((bool(one["prior"]), cells))
    headers = ("Program", "Modal", "NPV (median)", "NPV 10-90 %", "Manfaat / biaya", "Peluang untung")
    if rows:
        _table(page, headers, rows, (44, 27, 27, 46, 18, 18))
    else:
        _write(page, "Program ini tidak berjalan dalam skenario ini.")


def _figures(page: FPDF, scores: Sequence[Score]) -> None:
    _write(page, "Angka kunci dan sasaran", 11, "B")
    aimed = [s for s in scores if s.kpi.target is not None]
    others = [
        s
        for s in scores
        if s.kpi.target is None and not s.kpi.name.split("_", 1)[1].startswith(("npv", "bcr", "payback"))
    ]
    rows = []
    for s in [*aimed, *others][:MOST_ROWS]:
        met = s.kpi.met(s.value)
        target = "-" if s.kpi.target is None else f"{s.kpi.target_op} {figure(s.kpi.target, s.kpi.unit)}"
        verdict = {None: "-", True: "tercapai", False: "belum"}[met]
        rows.append((s.kpi.prior, [s.kpi.title_id, figure(s.value, s.kpi.unit), s.kpi.unit, target, verdict]))
    if rows:
        _table(page, ("Indikator", "Nilai", "Satuan", "Sasaran buku", "Hasil"), rows, (84, 32, 22, 26, 16))
    left = len(aimed) + len(others) - len(rows)
    if left > 0:
        _write(page, f"{left} indikator lain ada dalam laporan HTML dan berkas XLSX.", 8)


def _charts(page: FPDF, run: Run, programme: str | None) -> None:
    wanted = (
        CITY_FIGURES if programme is None else ("programme_npv", *PROGRAMME_FIGURES.get(programme, ("benefit_wedge",)))
    )
    for name in wanted:
        if (chart := FIGURES[name](run)) is None:
            continue
        low = chart if name == "targets" else chart.properties(height=CHART_PX)
        spec = worded(low.to_dict(), "id")
        image = vl_convert.vegalite_to_png(spec, scale=1.6)
        page.image(io.BytesIO(image), h=CHART_MM[name == "targets"], alt_text=_latin(str(spec["title"])))
        page.ln(2)


def _basis(page: FPDF, run: Run, scores: Sequence[Score]) -> None:
    _write(page, "Dasar angka", 11, "B")
    priors = sum(s.kpi.prior for s in scores)
    _write(
        page,
        f"{priors} dari {len(scores)} angka berdiri di atas taksiran berlabel; alasannya tertulis dalam laporan HTML. "
        f"Sidik skenario {run.digest[:16]}, kode {run.provenance['code_digest'][:16]}, selesai "
        f"{run.provenance['finished_utc']} (UTC). Hasil yang sama, sampai bit terakhir: "
        f"python -m twin replay {run.path.stem}",
        8,
    )
