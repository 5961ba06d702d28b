"""
The workflows Interlock ships: an ordinary LangGraph project, loaded exactly as yours is.

Start with `langgraph.json`, then `refund_desk.py` and `essay_writer.py`. Nothing here imports
Interlock outside this folder.
"""
