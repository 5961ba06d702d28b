WORD = "the user's dashboard"
