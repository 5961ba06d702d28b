from interlock.rules import RULES

graph = RULES
