"""The catalogue's data: a file for each publisher, a row for each set of weights."""
