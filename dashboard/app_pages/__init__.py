"""One file a screen: Streamlit runs each by its path."""
