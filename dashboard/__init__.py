"""The control room in the browser: draws what the services report, and hands them intents."""
