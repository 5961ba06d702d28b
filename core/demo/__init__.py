"""
What plays a demonstration: a simulated past, the first threads, and a stream of new work.

It acts through the services as people do, and runs no graph: a worker does that.
"""
