"""The service that runs the nights."""
