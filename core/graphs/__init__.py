"""
The only place that imports LangGraph: reads a project, loads its graphs, runs and describes them.

Only the worker (and tests) import this package, because loading a project runs the user's code.
"""
