"""What the words mean: pure functions over frozen dataclasses, with no file, socket, clock or database."""
