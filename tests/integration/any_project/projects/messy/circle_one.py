from circle_two import graph
