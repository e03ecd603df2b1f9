"""Computing: measurements become few queries over the rows of the inputs."""
