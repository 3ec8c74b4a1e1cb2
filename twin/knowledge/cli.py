"""`python -m twin knowledge`: documents into an index, questions to LARAS, EcoBalance's reviewer."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from twin.terminal import JsonFlag, print_facts, print_json, print_rows, progress_bar, say, tell

app = typer.Typer(no_args_is_help=True, help="LARAS: documents, questions, answers with quotes; EcoBalance's reviewer.")

IndexOption = Annotated[Path | None, typer.Option("--index", help="Folder of the index; default: the demo corpus.")]
LogOption = Annotated[Path | None, typer.Option("--log", help="SQLite log of questions and ratings.")]


@app.command(epilog="Example: `python -m twin knowledge ingest peraturan/ --index peraturan.index`")
def ingest(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of PDF, DOCX, HTML, Markdown, text.")],
    index: Annotated[Path, typer.Option("--index", help="Folder that becomes the index.")],
    embeddings: Annotated[str | None, typer.Option("--embeddings", help="Also vectors: e5-small.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Read a folder of documents into an index; what has not changed is not read again.

    A file `documents.csv` in the folder may say document, title, valid_from, valid_to, replaces, url. Exit code 1 where
    a document was refused (each with its reason; the others are indexed).
    """
    from twin.knowledge.index.ingest import ingest as ingest_folder

    with progress_bar("reading") as progress:
        done = ingest_folder(folder, index, progress, embeddings)
    for name, remarks in done.remarks.items():
        for remark in remarks:
            tell(f"{name}: {remark}")
    for name, reason in done.refused.items():
        tell(f"{name}: refused: {reason}")
    if as_json:
        print_json(vars(done))
    else:
        say(f"{done.documents} documents ({done.unchanged} unchanged), {done.chunks} passages: {index}")
    if done.refused:
        raise typer.Exit(1)


@app.command(epilog='Example: `python -m twin knowledge ask "cuti lairan pirang sasi?"`')
def ask(
    question: Annotated[str, typer.Argument(help="As you would ask it.")],
    index: IndexOption = None,
    k: Annotated[int, typer.Option("--k", min=1, max=20, help="How many quotes.")] = 3,
    on: Annotated[
        datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="Only what is in force then.")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Let TWIN_LARAS_URL word it (OpenAI-compatible); its citations are checked.")
    ] = False,
    log: LogOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Ask the documents: a short answer, then the quotes that it stands on, or that they do not say."""
    from twin.knowledge.index.search import Searcher
    from twin.knowledge.laras.answer import ask as ask_laras
    from twin.knowledge.laras.generate import endpoint_writer

    with tempfile.TemporaryDirectory() as scratch:
        searcher = Searcher.open(index or _demo(Path(scratch)))
    answer = ask_laras(searcher, question, k, on.date() if on else None, endpoint_writer if write else None)
    number = _noted(log, question, answer)
    for remark in answer.remarks:
        tell(remark)
    if as_json:
        print_json(answer.as_json() | ({"number": number} if number is not None else {}))
        return
    say(answer.answer)
    for citation in answer.citations:
        page = f", page {citation.page}" if citation.page else ""
        say(f"\n  “{citation.text}”\n  {citation.title}: {citation.section}{page} ({citation.link})")
    if number is not None:
        say(f"\nanswer number {number}; `knowledge rate {number} --log {log}` says whether it helped")


def _noted(log: Path | None, question: str, answer) -> int | None:  # type: ignore[no-untyped-def]
    from twin.knowledge.laras.feedback import note

    return None if log is None else note(log, question, answer)


def _demo(scratch: Path) -> Path:
    """The shipped demo corpus as an index."""
    from twin.knowledge.facts import CORPUS
    from twin.knowledge.index.ingest import ingest as ingest_folder

    tell("demo corpus: summaries written for this demo, not law; --index takes yours")
    ingest_folder(CORPUS, scratch / "index")
    return scratch / "index"


@app.command(epilog="Example: `python -m twin knowledge rate 1 --log laras.sqlite --not-satisfied`")
def rate(
    number: Annotated[int, typer.Argument(help="The answer's number.")],
    log: Annotated[Path, typer.Option("--log", help="The log.")],
    satisfied: Annotated[bool, typer.Option("--satisfied/--not-satisfied", help="Did it help?")] = True,
    comment: Annotated[str, typer.Option("--comment", help="In your words.")] = "",
) -> None:
    """Say whether an answer helped."""
    from twin.knowledge.laras.feedback import rate as rate_answer

    rate_answer(log, number, satisfied, comment)


@app.command(epilog="Example: `python -m twin knowledge satisfaction --log laras.sqlite`")
def satisfaction(log: Annotated[Path, typer.Option("--log", help="The log.")], as_json: JsonFlag = False) -> None:
    """Show how many were asked, rated and satisfied, beside the source book's 80 %."""
    from twin.knowledge.laras.feedback import satisfaction as of_log

    print_facts(of_log(log), "LARAS", as_json)


@app.command(epilog="Example: `python -m twin knowledge evaluate --split test`")
def evaluate(
    questions: Annotated[Path | None, typer.Option("--questions", help="CSV; default: the shipped set.")] = None,
    index: IndexOption = None,
    split: Annotated[str, typer.Option("--split", help="tuning or test.")] = "tuning",
    as_json: JsonFlag = False,
) -> None:
    """Put a set of questions to LARAS and to plain bm25s: hits, MRR, nDCG, abstention, citations, with intervals."""
    from twin.knowledge.evaluation.evaluate import evaluate as evaluate_set
    from twin.knowledge.evaluation.evaluate import read_questions
    from twin.knowledge.facts import DATA
    from twin.knowledge.index.search import Searcher

    asked = read_questions(questions or DATA / "questions.csv", split)
    with tempfile.TemporaryDirectory() as scratch:
        found = evaluate_set(Searcher.open(index or _demo(Path(scratch))), asked)
    if as_json:
        print_json(found)
        return
    for title, rows in found.items():
        print_rows([{k: _short(v) for k, v in row.items()} for row in rows], f"{title} ({split})", False)


def _short(value):  # type: ignore[no-untyped-def]
    return f"{value[0]:.2f}–{value[1]:.2f}" if isinstance(value, list) else value


@app.command(epilog="Example: `python -m twin knowledge review pdd.docx --draft pdd-reviewed.md`")
def review(
    document: Annotated[Path, typer.Argument(help="A project design document: PDF, DOCX, HTML, Markdown, text.")],
    draft: Annotated[
        Path | None, typer.Option("--draft", help="Write it with tracked insertions: .docx or .md.")
    ] = None,
    similar: Annotated[
        Path | None, typer.Option("--similar", help="Index of validated projects: the nearest are compared.")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Let TWIN_LARAS_URL word the summary; it must stand on the findings.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Review a project: rules with references, its claim beside an estimate with interval, what does not agree."""
    from twin.files import write_whole
    from twin.knowledge.index.search import Searcher
    from twin.knowledge.review import marked_docx, marked_draft, summary
    from twin.knowledge.review import review as review_document
    from twin.knowledge.similar import compared
    from twin.knowledge.similar import similar as similar_projects
    from twin.knowledge.worded import worded

    found = review_document(document)
    if similar is not None:
        found = compared(found, similar_projects(document, found, Searcher.open(similar)))
    if draft is not None and draft.suffix.lower() == ".docx":
        marked_docx(document, found, draft)
    elif draft is not None:
        write_whole(draft, marked_draft(document, found))
    if as_json:
        print_json(found.as_json())
        return
    text, remark = worded(found) if write else (None, "")
    if remark:
        tell(remark)
    say(text or summary(found))


@app.command(
    "final-report", epilog="Example: `python -m twin knowledge final-report book-s1 pdd.docx --activity forest`"
)
def final_report(
    name: Annotated[str, typer.Argument(metavar="RUN", help="A path, or the beginning of a run's file name.")],
    project: Annotated[Path, typer.Argument(help="The project's design document.")],
    activity: Annotated[str, typer.Option("--activity", help="forest, solar, traffic or trips.")],
    to: Annotated[Path | None, typer.Option("--to", help="Write it to a Markdown file.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder of the runs.")] = Path("runs"),
) -> None:
    """Draft a project's final report from what a run monitored, with what does not agree with its document."""
    from twin.files import write_whole
    from twin.knowledge.final_report import draft
    from twin.run import Run, find

    with Run.open(find(name, out)) as run:
        text = draft(project, run, activity)
    if to is None:
        say(text)
    else:
        write_whole(to, text)
        say(f"final report (draft): {to}")
