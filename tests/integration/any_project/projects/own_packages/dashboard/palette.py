WORD = "the users dashboard"
