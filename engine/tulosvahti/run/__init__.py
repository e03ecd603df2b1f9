"""One run: the inputs taken in, every rule judged, the verdicts compared and published."""
