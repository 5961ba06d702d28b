def embed(texts: list[str]) -> list[list[float]]:
    words = ("apple", "river", "stone")
    return [[float(word in text) + 0.01 for word in words] for text in texts]
