graph = (
    1,
