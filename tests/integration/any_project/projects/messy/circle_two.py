from circle_one import graph
