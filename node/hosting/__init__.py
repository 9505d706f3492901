"""Several schemes in one process: the list of them, the one listener they share, and the life of each. Source: decision 63."""
