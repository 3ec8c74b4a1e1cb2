"""The app: pages, language, and which run they look at. Started by `python -m twin dashboard`."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboards.chrome import PAGES, sidebar
from dashboards.problems import told
from dashboards.text import LANGUAGES, t

st.set_page_config(page_icon=Path(__file__).parent / "data" / "icon.svg", layout="wide")
st.sidebar.radio(
    "Bahasa / Language", list(LANGUAGES), format_func=LANGUAGES.get, key="lang", horizontal=True, bind="query-params",
    persist_state="session",
)  # fmt: skip
page = st.navigation(
    {
        t(f"nav.{section}"): [
            st.Page(f"views/{name}.py", title=t(f"page.{name}"), url_path=name, default=name == "overview")
            for name in pages
        ]
        for section, pages in PAGES.items()
    }
)
st.set_page_config(page_title=f"{page.title} · Trenggalek Twin")
st.title(page.title)
with told():
    sidebar()
    page.run()
