from works import grpah as graph
