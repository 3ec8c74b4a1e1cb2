"""Whatever a file holds, a parser gives a sound result or its own error: never another exception, and an end.

Valid files are damaged by hypothesis: pieces cut out, and bytes put in that have hurt parsers before. The default suite
draws a few of them, always the same; `-m slow` draws TWIN_FUZZ of every parser (300).
"""

import contextlib
import datetime
import os
import shutil
import signal
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from controllers_bundles import contract
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from controllers import bundle, plan_file
from controllers.errors import ControllerError
from twin.carbon.engine import journal
from twin.carbon.engine.csvfile import read_orders
from twin.errors import ScenarioError, SweepError, TwinError
from twin.knowledge.documents.read import read as read_document
from twin.labour.advice.intake import read_register
from twin.labour.advice.karirhub import karirhub_table
from twin.labour.matching.files import read_lists
from twin.places import import_places
from twin.programmes.fitting import fit, read_adopted
from twin.regency import check, copy
from twin.run import Run
from twin.runner import run_scenario
from twin.scenario import Scenario
from twin.solar.weather.checks import checked
from twin.solar.weather.files import read_weather
from twin.sweep import plan as sweep_plan
from twin.traffic.demand.counts import read_counts

HANGS_S = 60
WORDS = (
    b",", b";", b'"', b"'", b"\n", b"\r", b"\t", b":", b"-", b"?", b"|", b"#", b"%", b"@", b"nan", b"inf", b"-inf", b"1e999",
    b"-1", b"0", b"1.5", b"true", b"null", b"9" * 25, b"9" * 5000, b"2026-02-30", b"0000-00", b"9999-12-31 23:00", b"[",
    b"]", b"{", b"}", b"[" * 3000, b"{a: " * 3000, b"&a", b"*a", b"<<: ", b"!!python/object:os.x {}", b"!!int x",
    b"!!timestamp 2026-99-99", b"!!binary x", b"...", b"---\n", b"\x00", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf",
    "\u0663".encode(), "\u2028".encode(), "\U0001f600".encode(), b"\xed\xa0\x80", b"<", b">", b"&#xD800;", b"&#0;",
    b"<table>" * 50, b"a" * 70000,
)  # fmt: skip
EDITS = st.lists(
    st.tuples(
        st.floats(0, 1), st.sampled_from([0, 0, 1, 2, 8, 100, 10_000]), st.sampled_from(WORDS) | st.binary(max_size=6)
    ),
    min_size=1, max_size=5,
)  # fmt: skip


def damaged(data: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    for share, cut, put in edits:
        at = int(share * len(data))
        data = data[:at] + put + data[at + cut :]
    return data


class HangError(BaseException):
    """Nobody takes it for an error of a file."""


@contextlib.contextmanager
def an_end():
    def hangs(*_):
        raise HangError(f"no end after {HANGS_S} s")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(HANGS_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Parser(NamedTuple):
    """A valid input at `valid`; `file` is the one in it that is damaged; `parse` reads the whole."""

    parse: Callable[[Path], object]
    file: str
    data: bytes
    others: dict[str, bytes] = {}  # noqa: RUF012


SCENARIO = b"""extends: smoke
name: fuzzed
horizon_months: 3
solar: {panels: 4, battery_kwh: 9.6}
traffic:
  networks: [cologne1]
  events: {emergency_priority: true}
programmes:
  starts: {laras: 3, jobtren: null}
places: {positions: [{code: 35.03.11.2001, latitude_deg: -8.05, longitude_deg: 111.71}]}
"""
HEADER = "junction,from_edge,to_edge,begin,count\n"
SEEKERS = """id,age,sex,education,kecamatan,skills,interest,wage_idr,disability
3503011234560001,24,L,sma,Trenggalek,office;digital,4,2200000,no
3503011234560002,31,P,smk,35.03.12,craft,7,2000000,ya
"""
VACANCIES = """vacancy,seats,kecamatan,min_education,skills,kbji,wage_idr,reserved,youngest,oldest,employer
clerk,1,Trenggalek,sma,office,4,2600000,0,18,40,CV Maju
remote,2,,sma,digital,4,3100000,0,,,CV Maju
"""
ORDERS = """seq,kind,side,price_ticks,quantity,ref_seq,account
1,limit,buy,100,5,,a
2,limit,sell,99,3,,b
3,cancel,,,,1,a
4,market,sell,,2,,c
"""
MARKDOWN = b"""# Peraturan
## Pasal 1
Cuti tahunan *12* hari kerja. [tautan](http://x) <b>tebal</b>

| a | b |
|---|---|
| 1 | 2 |

- satu
- dua
"""
HTML = b"""<html><head><title>Peraturan</title><script>x</script></head><body><h1>Cuti</h1><p>Dua belas hari &amp; lebih
<table><tr><th>a</th><td colspan=2>b</td></tr></table><ul><li>satu</li></ul></body></html>"""


def _pdf() -> bytes:
    from fpdf import FPDF

    page = FPDF()
    page.add_page()
    page.set_font("helvetica", size=12)
    for y_mm in range(60, 160, 10):
        page.set_xy(20, y_mm)
        page.cell(text=f"Cuti tahunan baris {y_mm} dua belas hari kerja.")
    page.set_creation_date(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    return bytes(page.output())


def _docx(folder: Path) -> bytes:
    import docx

    document = docx.Document()
    document.add_heading("Peraturan", 1)
    document.add_paragraph("Cuti tahunan dua belas hari.")
    document.add_table(rows=2, cols=2).cell(0, 0).text = "a"
    document.save(folder / "x.docx")
    return (folder / "x.docx").read_bytes()


def _net():
    """As much of a sumolib network as counts are held against."""

    class Named:
        def __init__(self, **answers):
            vars(self).update(answers)

    node = Named(getID=lambda: "s", getType=lambda: "priority")
    lane = Named(getFromLane=lambda: Named(allows=lambda kind: True))
    to = Named(getID=lambda: "mid")
    edge = Named(getID=lambda: "in", getToNode=lambda: node, getFromNode=lambda: node, getOutgoing=lambda: {to: [lane]})
    return Named(
        getEdges=lambda: [edge], getNodes=lambda: [node], hasNode=lambda name: name == "s",
        hasEdge=lambda name: name in ("in", "mid"), getEdge=lambda name: edge, getNode=lambda name: node,
    )  # fmt: skip


def _weather() -> bytes:
    hours = (datetime.datetime(2025, 1, 1) + datetime.timedelta(hours=h) for h in range(72))
    rows = [
        f"{t:%Y-%m-%dT%H:%M:%S}+07:00,{g},{g // 2},{g // 2},25.0,1.5"
        for t in hours
        for g in [max(0, 600 - 100 * abs(12 - t.hour))]
    ]
    return ("time,ghi,dni,dhi,temp_air,wind_speed\n" + "\n".join(rows) + "\n").encode()


def _tables(path: Path) -> None:
    with Run.open(path / "run.sqlite") as run:
        for name in run.tables:
            run.table(name)
        assert run.scenario, run.kpis
        run.damaged()


@pytest.fixture(scope="module")
def parsers(tmp_path_factory) -> dict[str, Parser]:
    folder = tmp_path_factory.mktemp("valid")
    bundle.write(folder / "bundle", "corner", contract())
    parts = {path.name: path.read_bytes() for path in (folder / "bundle").iterdir()}
    from journal_writer import begun, commands

    book = begun(folder / "book.journal")
    for command in commands(20):
        book.submit(*command)
    book.journal.close()
    (table,) = copy(["data/kecamatan"], folder / "regency")
    run = run_scenario(Scenario(name="empty", horizon_months=2), 1, folder / "runs", remember=False).path
    net, doc = _net(), plan_file.__doc__ or ""
    hand = textwrap.dedent(doc[doc.index("    name:") : doc.index("Names are free")])
    sweep = b"scenario: smoke\nseeds: 1..2\nparameters: {programmes.discount_rate_percent: [6, 12], solar.panels: {low: 2, high: 6}}\ndesign: {method: sobol, points: 4}\n"
    lists = {"v.csv": b"vacancy,capacity\na,1\nb,2\n", "r.csv": b"vacancy,rank,seeker\na,1,x\nb,1,y\n"}
    dates = (datetime.date(2026, 3, 1), datetime.date(2026, 3, 31))
    one = {
        "scenario": Parser(lambda at: Scenario.load(str(at / "s.yaml")), "s.yaml", SCENARIO),
        "set": Parser(lambda at: Scenario.load("smoke", [_text(at / "set")]), "set", b"solar={panels: 4, offices: []}"),
        "sweep": Parser(lambda at: sweep_plan.load(str(at / "s.yaml")), "s.yaml", sweep),
        "places": Parser(
            lambda at: import_places(at / "p.csv"), "p.csv",
            b"code,latitude,longitude,elevation_m\n35.03.11.2001,-8.05,111.71,120\n35.03.01.2001,-8.24,111.42,\n",
        ),
        "counts": Parser(
            lambda at: read_counts(at / "c.csv", net), "c.csv", (HEADER + "s,in,mid,07:00,10\ns,in,mid,7:15,12\n").encode()
        ),
        "weather": Parser(
            lambda at: checked(read_weather(at / "w.csv"), -8.05, 111.71, "w.csv", ["gaps"]), "w.csv", _weather()
        ),
        "orders": Parser(lambda at: read_orders(at / "o.csv"), "o.csv", ORDERS.encode()),
        "seekers": Parser(
            lambda at: read_register(at / "s.csv", at / "v.csv", b"k" * 16), "s.csv", SEEKERS.encode(),
            {"v.csv": VACANCIES.encode()},
        ),
        "vacancies": Parser(
            lambda at: (read_register(at / "s.csv", at / "v.csv", b"k" * 16), karirhub_table(at / "v.csv", *dates)),
            "v.csv", VACANCIES.encode(), {"s.csv": SEEKERS.encode()},
        ),
        "lists": Parser(
            lambda at: read_lists(at / "s.csv", at / "v.csv", at / "r.csv"), "s.csv",
            b"seeker,rank,vacancy\nx,1,a\nx,2,b\ny,1,b\n", lists,
        ),
        "plan": Parser(lambda at: plan_file.read_plan(at / "p.yaml"), "p.yaml", hand.encode()),
        "journal": Parser(
            lambda at: journal.recover(at / "b.journal")[0].journal.close(), "b.journal", (folder / "book.journal").read_bytes()
        ),
        "adoption": Parser(
            lambda at: fit(read_adopted(at / "a.csv")), "a.csv",
            ("month,adopters\n" + "".join(f"2025-{m:02},{m * m}\n" for m in range(1, 13))).encode(),
        ),
        "regency": Parser(lambda at: check(at), "data/kecamatan.csv", table.read_bytes()),
        "run": Parser(_tables, "run.sqlite", run.read_bytes()),
        "markdown": Parser(lambda at: read_document(at / "d.md"), "d.md", MARKDOWN),
        "html": Parser(lambda at: read_document(at / "d.html"), "d.html", HTML),
        "pdf": Parser(lambda at: read_document(at / "d.pdf"), "d.pdf", _pdf()),
        "docx": Parser(lambda at: read_document(at / "d.docx"), "d.docx", _docx(folder)),
        "docx text": Parser(lambda at: read_document(_zipped(at)), "word/document.xml", _part(folder / "x.docx")),
    }  # fmt: skip
    for name in ("manifest.json", "contract.json", "golden.json"):
        rest = {other: data for other, data in parts.items() if other != name}
        one[f"bundle {name}"] = Parser(lambda at: bundle.load(at), name, parts[name], rest)
    one["docx text"] = one["docx text"]._replace(others={"whole.docx": one["docx"].data})
    return one


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def _part(path: Path) -> bytes:
    import zipfile

    with zipfile.ZipFile(path) as file:
        return file.read("word/document.xml")


def _zipped(at: Path) -> Path:
    """A document whose container is sound and whose text is not."""
    import zipfile

    with zipfile.ZipFile(at / "whole.docx") as sound, zipfile.ZipFile(at / "d.docx", "w") as file:
        for name in sound.namelist():
            part = at / name
            file.writestr(name, part.read_bytes() if part.is_file() else sound.read(name))
    return at / "d.docx"


NAMES = (
    "scenario", "set", "sweep", "places", "counts", "weather", "orders", "seekers", "vacancies", "lists", "plan", "journal",
    "adoption", "regency", "run", "markdown", "html", "pdf", "docx", "docx text", "bundle manifest.json",
    "bundle contract.json", "bundle golden.json",
)  # fmt: skip


def tried(parser: Parser, data: bytes, at: Path) -> None:
    shutil.rmtree(at, ignore_errors=True)
    for name, content in {**parser.others, parser.file: data}.items():
        (at / name).parent.mkdir(parents=True, exist_ok=True)
        (at / name).write_bytes(content)
    with an_end(), contextlib.suppress(TwinError, ControllerError):
        parser.parse(at)


def test_what_is_valid_is_read(parsers, tmp_path):
    assert set(parsers) == set(NAMES)
    for name, parser in parsers.items():
        at = tmp_path / name
        for file, content in {**parser.others, parser.file: parser.data}.items():
            (at / file).parent.mkdir(parents=True, exist_ok=True)
            (at / file).write_bytes(content)
        parser.parse(at)


def attacked(parser: Parser, at: Path, examples: int, derandomize: bool) -> None:
    @settings(
        max_examples=examples, derandomize=derandomize, database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(EDITS.map(lambda edits: damaged(parser.data, edits)) | st.binary(max_size=60))
    @example(b"")
    def attack(data: bytes) -> None:
        tried(parser, data, at)

    attack()


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file_is_its_parsers_own_error_or_sound(parsers, tmp_path, name):
    attacked(parsers[name], tmp_path / "at", 12, derandomize=True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: " + "[" * 200_000, "deeper than"), ("a: &x [1]\nb: *x", "aliases"), ("a: " + "9" * 5000, "5000 digits"),
        ("a: !!python/object:os.x {}", "tags"),
    ],
)  # fmt: skip
def test_yaml_that_would_not_end_is_refused(tmp_path, text, told):
    (tmp_path / "s.yaml").write_text(text)
    with an_end(), pytest.raises(ScenarioError, match=told):
        Scenario.load(str(tmp_path / "s.yaml"))
    with an_end(), pytest.raises(ScenarioError):
        Scenario.load("smoke", [f"solar={text.partition(' ')[2]}"])


@pytest.mark.parametrize(
    "text",
    [
        f"scenario: {'a' * 5000}\nparameters: {{solar.panels: [1]}}",
        "scenario: smoke\nseeds: 1..99999999999999999999\nparameters: {solar.panels: [1]}",
    ],
)
def test_a_sweep_that_cannot_be_is_told(tmp_path, text):
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(SweepError):
        sweep_plan.load(str(tmp_path / "s.yaml"))


@pytest.mark.parametrize("text", [f"extends: {'a' * 5000}", 'extends: smoke\nplaces: {file: "b\\0c"}'])
def test_a_name_that_no_file_can_have_is_told(tmp_path, text):
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(ScenarioError):
        Scenario.load(str(tmp_path / "s.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_many_damaged_files(parsers, tmp_path, name):
    attacked(parsers[name], tmp_path / "at", int(os.environ.get("TWIN_FUZZ", "300")), derandomize=False)
