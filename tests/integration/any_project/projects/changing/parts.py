finish = "first {}".format
