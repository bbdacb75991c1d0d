"""gocodemod rewrites concurrency and timing anti-patterns in Go code."""

__version__ = "0.1.0"
