"""Loading: the project's files become objects of the core."""
