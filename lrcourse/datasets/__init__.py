r"""The data sets: which there are, where their files are found, and how these are read."""
