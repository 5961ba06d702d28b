raise SystemExit("set MODEL_KEY first")
