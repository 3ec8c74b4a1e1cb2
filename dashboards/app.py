"""The app: pages, language, and which run they look at. Started by `python -m twin dashboard`."""

from __future__ import annotations

import time
from pathlib import Path

import streamlit as st

from dashboards.chrome import PAGES, sidebar
from dashboards.problems import told
from dashboards.text import LANGUAGES, t

# Streamlit's captions are too pale to be read (WCAG 2 asks for a contrast of 4.5).
STYLE = """<style>
[data-testid=stCaptionContainer], [data-testid=stCaptionContainer] * {color: #4A4A4A !important; opacity: 1 !important}
</style>"""
FIRST_PAINT_S = 0.15  # once a session: the browser draws the title before charts keep it busy
st.set_page_config(page_icon=Path(__file__).parent / "data" / "icon.svg", layout="wide")
st.sidebar.radio(
    "Bahasa / Language", list(LANGUAGES), format_func=LANGUAGES.get, key="lang", horizontal=True, bind="query-params",
    persist_state="session",
)  # fmt: skip
page = st.navigation(
    [st.Page(f"views/{name}.py", title=t(f"page.{name}"), url_path=name, default=name == "overview") for name in PAGES]
)
st.set_page_config(page_title=f"{page.title} · Trenggalek Twin")
st.html(STYLE)
st.title(page.title)
if "begun" not in st.session_state:
    st.session_state.begun = True
    time.sleep(FIRST_PAINT_S)
with told():
    sidebar()
    page.run()
