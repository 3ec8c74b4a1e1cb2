"""Downloads: a workbook that marks priors and holds no formula; a brief of two pages."""

import io

import openpyxl
import pytest

from dashboards import runs
from dashboards.exports import PRIOR, workbook
from twin.brief import brief, write_briefs
from twin.kpi import catalogue
from twin.programmes.facts import PROGRAMMES
from twin.run import Run


def test_a_workbook_has_every_figure_with_its_unit_source_and_prior(smoke_run):
    file = runs.file_of(smoke_run)
    book = openpyxl.load_workbook(io.BytesIO(workbook({"=smoke": file, "again": file})))
    sheet = book["Indikator"]
    assert sheet["D1"].value == "'=smoke"
    values = runs.values(file)
    by_title = {(row[1].value, row[2].value): row for row in sheet.iter_rows(min_row=2) if row[1].value}
    for name, value in values.items():
        kpi = catalogue()[name]
        row = next(row for (title, _), row in by_title.items() if title == kpi.title_id)
        assert (row[3].fill.fgColor.rgb == f"00{PRIOR.fgColor.rgb[2:]}") == kpi.prior
        if sum(other.title_id == kpi.title_id for other in catalogue().values()) == 1:
            assert row[3].value == pytest.approx(value)
    assert {"Andaian", "dictionary", "budget_balance", "labour_total"} <= set(book.sheetnames)
    cells = (cell for sheet in book for row in sheet.iter_rows() for cell in row)
    assert not any(cell.data_type == "f" for cell in cells)


def test_a_brief_has_two_pages_and_is_the_same_again(smoke_run):
    import pdfplumber

    with Run.open(smoke_run) as run:
        made = brief(run)
        assert made == brief(run)
    with pdfplumber.open(io.BytesIO(made)) as pdf:
        assert len(pdf.pages) == 2
        first, second = (page.extract_text() for page in pdf.pages)
    assert "Ringkasan untuk pengambil keputusan" in first
    assert "JOBTREN" in first
    assert "taksiran" in second


@pytest.mark.slow
def test_every_programme_has_its_brief_of_two_pages(smoke_run, tmp_path):
    import pdfplumber

    with Run.open(smoke_run) as run:
        written = write_briefs(run, tmp_path)
    assert len(written) == 1 + len(PROGRAMMES)
    for path in written:
        with pdfplumber.open(path) as pdf:
            assert len(pdf.pages) == 2, path.name
    assert not list(tmp_path.glob("*.partial"))
