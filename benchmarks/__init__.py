"""How fast the new stack is, and how much memory it takes: `python -m benchmarks`."""
