"""
The workflows Interlock ships: an ordinary LangGraph project, loaded exactly as yours is.

Start with `langgraph.json`, then `refund_desk.py`, `essay_writer.py` and `outreach.py`. Nothing here
imports Interlock outside this folder.
"""
