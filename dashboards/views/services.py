"""Services and knowledge: the paperless personnel desk, the moving programmes, and questions to LARAS."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import streamlit as st

from dashboards import figures, runs
from dashboards.chrome import chosen
from dashboards.problems import told
from dashboards.tables import sector_figures
from dashboards.text import number, t

TALK = "laras_talk"
MOST_KEPT = 20


def page() -> None:
    """The page."""
    file = chosen()
    desk, laras = st.tabs([t("services.desk"), t("services.laras")])
    with desk:
        sector_figures(file, "personnel")
        if runs.table(file, "personnel_month").empty:
            st.info(t("services.no_desk"))
        else:
            for name in ("personnel_wait", "personnel_use"):
                figures.draw(file, name)
        sector_figures(file, "podcast")
        sector_figures(file, "crypto")
        sector_figures(file, "aipreneur")
    with laras:
        sector_figures(file, "laras")
    with laras, told():
        chat()


@st.cache_resource(show_spinner=False)
def searcher() -> Any:
    """An index over the shipped demo corpus."""
    from twin.knowledge.facts import CORPUS
    from twin.knowledge.index.ingest import ingest
    from twin.knowledge.index.search import Searcher

    with tempfile.TemporaryDirectory() as scratch:
        index = Path(scratch) / "index"
        ingest(CORPUS, index)
        return Searcher.open(index)


def chat() -> None:
    """Questions, and answers with their quotes."""
    from twin.knowledge.laras.answer import ask

    st.markdown(t("services.laras_lead"))
    talk: list[tuple[str, Any]] = st.session_state.setdefault(TALK, [])
    with st.form("laras", clear_on_submit=True, border=False):
        question = st.text_input(t("services.ask"), max_chars=500, placeholder=t("services.example"))
        asked = st.form_submit_button(t("services.send"), type="primary")
    if asked and question.strip():
        with st.spinner(t("services.reading")):
            talk.append((question, ask(searcher(), question)))
        del talk[:-MOST_KEPT]
    for asked_text, answer in reversed(talk):
        st.chat_message("user").write(asked_text)
        with st.chat_message("assistant"):
            st.write(answer.answer)
            st.caption(t("services.seconds", seconds=number(answer.seconds, 2)))
            for citation in answer.citations:
                with st.expander(f"{citation.title} · {citation.section}"):
                    st.markdown(f"> {citation.text}")
                    st.caption(citation.link)


page()
