say = lambda: "said"
