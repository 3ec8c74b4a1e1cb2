"""EcoBalance's reviewer: a project design document against rules, published factors, and itself. No language model."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from twin.knowledge.documents.blocks import Document
from twin.knowledge.documents.read import read
from twin.knowledge.facts import rows
from twin.knowledge.impact import Estimate, estimate

NUMBER = r"(\d{1,3}(?:[.,]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?)"
CLAIM = re.compile(NUMBER + r"\s*(?:tCO2e?|ton CO2e?|tonnes? CO2e?)\s*(?:/|per )\s*(?:tahun|year|yr|th)\b", re.I)
FACTOR = re.compile(NUMBER + r"\s*(?:tCO2e?|ton CO2e?)\s*(?:/|per )\s*(ha|hektare?|kwp)\b", re.I)
SIZE = {"ha": re.compile(NUMBER + r"\s*(?:ha|hektare?)\b", re.I), "kwp": re.compile(NUMBER + r"\s*kWp\b", re.I)}
WRONG_UNIT = re.compile(r"\b(?:kg|lb|ton C|tC)\s*(?:/|per )\s*(?:tahun|year)\b")
CODE = re.compile(r"\b(?:VM\d{4}|VMR\d{4}|AR-AC?M\d{4}|AMS-[IVX]+\.[A-Z]+|ACM\d{4})")
PERIOD = re.compile(r"\b((?:19|20)\d\d)\s*(?:-|–|sampai|hingga|to)\s*((?:19|20)\d\d)\b")
OLDEST_VINTAGE = 2016  # older reductions: asked about, as buyers and CORSIA (vintages from 2016) do
AGREE = 0.02  # numbers of one document may differ by rounding


@dataclass(frozen=True)
class Finding:
    """Something that the reviewer says about a section; `rule` carries the reference."""

    severity: str  # error, warning, question
    section: str
    rule: str
    text: str


@dataclass(frozen=True)
class Similar:
    """A project of an index: what it claims a year [tCO2e], on how many hectares or kWp; None where it does not say."""

    document: str
    title: str
    url: str
    stated_tco2e_per_year: float | None
    size: float | None
    tco2e_per_unit: float | None


@dataclass(frozen=True)
class Review:
    """What a review gives; yearly amounts in tCO2e, None where the document does not say enough.

    `activity` is of data/activities.csv, `size` in its unit `per` (ha or kwp).
    """

    title: str
    findings: tuple[Finding, ...]
    stated_tco2e_per_year: float | None
    estimated_tco2e_per_year: tuple[float, float, float] | None
    estimate_source: str | None
    activity: str | None = None
    size: float | None = None
    per: str | None = None
    similar: tuple[Similar, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As `--json` gives it."""
        return asdict(self)


def number(text: str) -> float:
    """A number as Indonesians or English write it: `1.234,5`, `1,234.5`, `7,5`; three digits behind a mark: 1000s."""
    if re.fullmatch(r"\d{1,3}([.,]\d{3})+", text):
        return float(re.sub("[.,]", "", text))
    at = max(text.rfind("."), text.rfind(","))
    return float(text) if at < 0 else float(re.sub("[.,]", "", text[:at]) + "." + text[at + 1 :])


def review(path: Path, today: date | None = None) -> Review:
    """Review a project design document of any kind that `read` knows. Raises KnowledgeError."""
    document = read(path)
    text = "\n".join(f"{block.section}\n{block.text}" for block in document.blocks)
    activity = _activity(document, text)
    stated = _stated(document, CLAIM)
    size = _stated(document, SIZE[activity["per"]]) if activity else []
    rate = estimate(activity["quantities"].split(), text) if activity and size else None
    expected = rate.times(size[0][1]) if rate else None
    findings = [
        *_compliance(text, activity),
        *_dates(document, (today or date.today()).year),
        *_units(document),
        *_consistency(document, stated, size),
        *_impact(stated, expected, rate),
    ]
    claim = stated[0][1] if stated else None
    return Review(
        document.title, tuple(findings), claim, expected, rate.source if rate else None,
        activity["activity"] if activity else None, size[0][1] if size else None, activity["per"] if activity else None,
    )  # fmt: skip


def _activity(document: Document, text: str) -> dict[str, str] | None:
    """The activity that the title, and then the text, mention most; of equals the table's first."""

    def mentions(row: dict[str, str]) -> tuple[int, int]:
        pattern = re.compile(r"\b(?:" + "|".join(row["words"].split()) + r")\b", re.I)
        return len(pattern.findall(document.title)), len(pattern.findall(text))

    most = max(rows("activities"), key=mentions)
    return most if any(mentions(most)) else None


def _stated(document: Document, pattern: re.Pattern[str]) -> list[tuple[str, float]]:
    """Every number that a pattern finds, with its section."""
    return [(b.section, number(match[1])) for b in document.blocks for match in pattern.finditer(b.text)]


def _compliance(text: str, activity: dict[str, str] | None) -> list[Finding]:
    forest = activity is not None and activity["per"] == "ha"
    found = [
        Finding(row["severity"], "", f"{row['rule']}: {row['reference']}", row["text"])
        for row in rows("review_rules")
        if (row["kind"] == "required" or forest) and not re.search(row["pattern"], text, re.I)
    ]
    known = {row["code"] for row in rows("methodologies")}
    for code in sorted(set(CODE.findall(text)) - known):
        found.append(
            Finding("error", "", "methodology-list: data/methodologies.csv", f"{code} is on no list that we have")
        )
    return found


def _dates(document: Document, this_year: int) -> list[Finding]:
    found = []
    for block in document.blocks:
        for first, last in ((int(m[1]), int(m[2])) for m in PERIOD.finditer(block.text)):
            if last < first:
                found.append(
                    Finding("error", block.section, "dates", f"the period {first}-{last} ends before it begins")
                )
            elif first < OLDEST_VINTAGE:
                rule = f"vintage: reductions from {OLDEST_VINTAGE} on (CORSIA eligibility)"
                found.append(Finding("warning", block.section, rule, f"the period begins in {first}"))
            elif first > this_year + 10:
                found.append(Finding("question", block.section, "dates", f"does it really begin in {first}?"))
    return found


def _units(document: Document) -> list[Finding]:
    return [
        Finding("error", block.section, "units: tCO2e a year", f"{match[0]!r} is no tCO2e a year")
        for block in document.blocks
        for match in WRONG_UNIT.finditer(block.text)
    ]


def _consistency(document: Document, stated: list[tuple[str, float]], size: list[tuple[str, float]]) -> list[Finding]:
    found = []
    for name, numbers, unit in (("claims", stated, "tCO2e/year"), ("sizes", size, "")):
        for section, value in numbers[1:]:
            if abs(value - numbers[0][1]) > AGREE * numbers[0][1]:
                text = f"{value:,.0f} {unit} here, {numbers[0][1]:,.0f} in {numbers[0][0] or 'the beginning'!r}"
                found.append(Finding("error", section, f"{name} agree", text))
    for section, factor in _stated(document, FACTOR):
        if size and stated and abs(factor * size[0][1] - stated[0][1]) > AGREE * stated[0][1]:
            text = f"{size[0][1]:,.0f} × {factor:g} = {factor * size[0][1]:,.0f}, but {stated[0][1]:,.0f} is claimed"
            found.append(Finding("error", section, "size × factor = claim", text))
    return found


def _impact(
    stated: list[tuple[str, float]], expected: tuple[float, float, float] | None, rate: Estimate | None
) -> list[Finding]:
    if not stated:
        return [Finding("error", "", "claim", "no yearly reduction in tCO2e is stated")]
    if expected is None or rate is None:
        return [
            Finding("question", "", "impact", "which activity, and on how many hectares or kWp? No estimate without")
        ]
    section, claim = stated[0]
    low, mid, high = expected
    if low <= claim <= high:
        return []
    text = (
        f"{claim:,.0f} tCO2e/year is claimed, {low:,.0f}–{high:,.0f} expected (mid {mid:,.0f}); on what does it stand?"
    )
    return [Finding("question", section, f"impact: {rate.source}", text)]


def summary(found: Review) -> str:
    """One page in Markdown: the verdict in numbers, then every finding."""
    counts = {name: sum(f.severity == name for f in found.findings) for name in ("error", "warning", "question")}
    lines = [f"# Review: {found.title}", "", ", ".join(f"{count} {name}s" for name, count in counts.items()), ""]
    if found.stated_tco2e_per_year is not None:
        lines.append(f"Stated: {found.stated_tco2e_per_year:,.0f} tCO2e/year.")
    if found.estimated_tco2e_per_year:
        low, mid, high = found.estimated_tco2e_per_year
        lines.append(f"Estimated: {mid:,.0f} ({low:,.0f}–{high:,.0f}) tCO2e/year; {found.estimate_source}.")
    for one in found.similar:
        rate = f"{one.tco2e_per_unit:.3g} tCO2e/{found.per}/year" if one.tco2e_per_unit else "no rate stated"
        lines.append(f"Similar: {one.title} ({one.url or one.document}): {rate}.")
    lines += [
        "",
        *(f"- **{f.severity}** {f'({f.section}) ' if f.section else ''}{f.text} — {f.rule}" for f in found.findings),
    ]
    return "\n".join(lines) + "\n"


def marked_draft(path: Path, found: Review) -> str:
    """The document in Markdown with the reviewer's insertions in CriticMarkup ({++…++}), each in its section."""
    lines, last = [f"# {found.title}", ""], ""
    notes = [f for f in found.findings if not f.section]
    lines += [f"{{++[{f.severity}] {f.text} ({f.rule})++}}" for f in notes]
    for block in read(path).blocks:
        if block.section != last:
            last = block.section
            lines += ["", f"## {last}", ""]
            lines += [f"{{++[{f.severity}] {f.text} ({f.rule})++}}" for f in found.findings if f.section == last]
        lines += [block.text, ""]
    return "\n".join(lines) + "\n"


def marked_docx(path: Path, found: Review, to: Path) -> None:
    """The same draft as DOCX: every note of the reviewer is a tracked insertion that Word and LibreOffice accept."""
    import docx

    draft = docx.Document()
    draft.core_properties.title = found.title
    insertion = re.compile(r"^\{\+\+(.*)\+\+\}$")
    for line in marked_draft(path, found).splitlines():
        if match := insertion.match(line):
            _inserted(draft.add_paragraph(), match[1])
        elif line.startswith("#"):
            draft.add_heading(line.lstrip("# "), line.count("#", 0, 3))
        elif line:
            draft.add_paragraph(line)
    beside = to.with_name(f".{to.name}.partial")
    draft.save(str(beside))
    beside.replace(to)


def _inserted(paragraph: Any, text: str) -> None:
    """Text as a tracked insertion (w:ins) of a paragraph."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    insertion = OxmlElement("w:ins")
    insertion.set(qn("w:id"), str(len(paragraph.part.element.findall(f".//{qn('w:ins')}")) + 1))
    insertion.set(qn("w:author"), "EcoBalance reviewer")
    insertion.append(paragraph.add_run(text)._r)
    paragraph._p.append(insertion)
