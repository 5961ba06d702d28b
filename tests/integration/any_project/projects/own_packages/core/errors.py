class InterlockError(Exception):
    """Not Interlock's."""
