"""The command lines: Typer's own Markdown of its apps, argparse's help of the controllers', and whether a line fits."""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from typing import Any

import typer
from typer.cli import get_docs_for_click
from typer.exceptions import TyperException

from contracts.cli import app as contracts_app
from controllers.cli import parser as controllers_parser
from deploy.cli import app as deploy_app
from twin.cli import app as twin_app

FOLDER = "reference/commands"
PYTHON = ".venv/bin/python -m "
APPS = {"twin": twin_app, "contracts": contracts_app, "deploy": deploy_app}
Command = typer.core.TyperCommand | typer.core.TyperGroup


def pages() -> Iterator[tuple[str, str]]:
    """Path and Markdown of a page for each program, and for each group of its commands."""
    for program, app in APPS.items():
        root, called = _command(app), f"python -m {program}"
        groups = {name: one for name, one in root.commands.items() if isinstance(one, typer.core.TyperGroup)}
        for name in groups:
            del root.commands[name]
        yield f"{FOLDER}/{program}.md", _markdown(root, called)
        for name, one in groups.items():
            yield f"{FOLDER}/{program}-{name}.md", _markdown(one, f"{called} {name}")
    yield f"{FOLDER}/controllers.md", _argparse_page(controllers_parser())


def faults(markdown: str) -> list[str]:
    """What is wrong with the commands that a page prints: programs, commands and options that there are not."""
    blocks = re.findall(r"```(?:sh|console)\n(.*?)```", markdown, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith(PYTHON)]
    return [f"{line}: {fault}" for line in lines if (fault := _fault(shlex.split(line[len(PYTHON) :], comments=True)))]


def _fault(words: list[str]) -> str | None:
    program, *rest = words
    rest = rest[: rest.index(">")] if ">" in rest else rest
    if program.startswith(("agents", "dashboards", "benchmarks")):
        return None  # leaves, which nobody here imports
    if program == "controllers":
        with contextlib.redirect_stderr(io.StringIO()) as told:
            try:
                controllers_parser().parse_args(rest)
            except SystemExit:
                return told.getvalue().splitlines()[-1]
        return None
    command: Any = _command(APPS[program])
    while isinstance(command, typer.core.TyperGroup):
        name, *rest = rest
        if name not in command.commands:
            return f"no command {name}"
        command = command.commands[name]
    try:
        command.make_parser(typer.Context(command)).parse_args(args=rest)
    except TyperException as error:
        return error.format_message()
    return None


def _command(app: typer.Typer) -> typer.core.TyperGroup:
    found = typer.main.get_command(app)
    assert isinstance(found, typer.core.TyperGroup)  # noqa: S101 (each of the apps has several commands)
    return found


def _markdown(command: Command, called: str) -> str:
    return get_docs_for_click(obj=command, ctx=typer.Context(command), name=called)


def _argparse_page(parser: argparse.ArgumentParser) -> str:
    sections = [f"# `{parser.prog}`", _fenced(parser)]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, one in action.choices.items():
                sections += [f"## `{parser.prog} {name}`", _fenced(one)]
    return "\n\n".join(sections) + "\n"


def _fenced(parser: argparse.ArgumentParser) -> str:
    return f"```text\n{parser.format_help()}```"
