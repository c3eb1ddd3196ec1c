reven: ./otherwise does not exist; give the path of a program.
