"""The command lines as pages: Typer's own Markdown of its apps, argparse's help of the controllers'."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import click
import typer
from typer.cli import get_docs_for_click

from contracts.cli import app as contracts_app
from controllers.cli import parser as controllers_parser
from deploy.cli import app as deploy_app
from twin.cli import app as twin_app

FOLDER = "reference/commands"


def pages() -> Iterator[tuple[str, str]]:
    """Path and Markdown of a page for each program, and for each group of the twin's commands."""
    yield from _typer_pages("twin", twin_app)
    yield from _typer_pages("contracts", contracts_app)
    yield from _typer_pages("deploy", deploy_app)
    yield f"{FOLDER}/controllers.md", _argparse_page(controllers_parser())


def _typer_pages(program: str, app: typer.Typer) -> Iterator[tuple[str, str]]:
    root = typer.main.get_command(app)
    assert isinstance(root, typer.core.TyperGroup)  # noqa: S101 (each of the apps has several commands)
    called = f"python -m {program}"
    groups = {name: one for name, one in root.commands.items() if isinstance(one, typer.core.TyperGroup)}
    for name, group in groups.items():
        yield f"{FOLDER}/{program}-{name}.md", _markdown(group, f"{called} {name}")
        del root.commands[name]
    yield f"{FOLDER}/{program}.md", _markdown(root, called)


def _markdown(command: click.Command, called: str) -> str:
    return get_docs_for_click(obj=command, ctx=typer.Context(command), name=called)


def _argparse_page(parser: argparse.ArgumentParser) -> str:
    sections = [f"# `{parser.prog}`", _fenced(parser)]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, one in action.choices.items():
                sections += [f"## `{parser.prog} {name}`", one.description or "", _fenced(one)]
    return "\n\n".join(sections) + "\n"


def _fenced(parser: argparse.ArgumentParser) -> str:
    return f"```text\n{parser.format_help()}```"
