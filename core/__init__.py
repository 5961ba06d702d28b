"""The product without its screens: rules, store, graphs, queue, services, worker, command line."""
