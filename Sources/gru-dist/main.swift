print("gru-dist")
