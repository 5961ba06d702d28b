OWNER = "the user's core"
