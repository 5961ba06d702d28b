"""One module a step; each is final once it was released."""
