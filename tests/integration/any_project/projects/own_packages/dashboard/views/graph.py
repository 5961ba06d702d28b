from core.graphs.loading import graph
from dashboard.palette import WORD

assert WORD
