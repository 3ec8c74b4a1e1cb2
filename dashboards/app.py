"""The app: pages, language, and which run they look at. Started by `python -m twin dashboard`."""

from __future__ import annotations

import streamlit as st

from dashboards.chrome import PAGES, sidebar
from dashboards.problems import told
from dashboards.text import LANGUAGES, t

st.set_page_config(page_title="Trenggalek Twin", layout="wide")
st.sidebar.radio(
    "Bahasa / Language", list(LANGUAGES), format_func=LANGUAGES.get, key="lang", horizontal=True, bind="query-params",
    persist_state="session",
)  # fmt: skip
page = st.navigation(
    {
        t(f"nav.{section}"): [
            st.Page(
                f"views/{name}.py",
                title=t(f"page.{name}"),
                icon=f":material/{icon}:",
                url_path=name,
                default=name == "overview",
            )
            for name, icon in pages.items()
        ]
        for section, pages in PAGES.items()
    }
)
st.title(page.title)
with told():
    sidebar()
    page.run()
