"""Streamlit pages: leaves that read run files."""
