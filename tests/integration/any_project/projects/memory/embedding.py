"""Three made-up directions of meaning."""

WORDS = (("apple", "pear", "fruit"), ("river", "lake", "water"), ("stone", "rock", "hill"))


async def embed(texts: list[str]) -> list[list[float]]:
    return [[0.01 + sum(word in text for word in words) for words in WORDS] for text in texts]
