"""View-models: frozen dataclasses and pure functions. They never import streamlit."""
