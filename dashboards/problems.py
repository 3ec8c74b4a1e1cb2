"""Errors as a planner reads them: what is wrong and what to do, in the visitor's language; details on request."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from dashboards.text import t
from twin.errors import BusyError, FaultsError, RunError, TwinError

log = logging.getLogger("dashboards")
# Words of RunError's messages, and the text that explains them.
RUN_FAULTS = {
    "cut short": "problem.cut",
    "has run schema": "problem.version",
    "unfinished": "problem.unfinished",
    "but no run": "problem.not_a_run",
    "is damaged": "problem.damaged",
    "no such run": "problem.no_such_run",
    "is a controller's log": "problem.log",
    "has no table": "problem.no_table",
}


def explained(error: TwinError) -> str:
    """What is wrong and what to do."""
    if isinstance(error, RunError):
        return t(next((key for words, key in RUN_FAULTS.items() if words in str(error)), "problem.run"))
    if isinstance(error, BusyError):
        return t("problem.busy")
    if isinstance(error, FaultsError):
        return t("problem.faults", n=len(error.faults))
    return t("problem.other")


def show(error: TwinError) -> None:
    """The message, and the twin's own words below it."""
    st.error(explained(error))
    with st.expander(t("problem.details")):
        st.code(str(error), language=None, wrap_lines=True)


@contextmanager
def told() -> Iterator[None]:
    """A part of a page in which an error is a message, never a traceback; a fault of ours goes to the log."""
    try:
        yield
    except TwinError as error:
        show(error)
    except Exception:
        log.exception("a page failed")
        st.error(t("problem.ours"))
