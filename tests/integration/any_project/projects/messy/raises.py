import works

LIMIT = works.NUMBER / 0
