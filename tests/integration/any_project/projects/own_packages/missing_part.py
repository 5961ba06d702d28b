from core.nowhere import graph
