"""Context threading: bring a stop signal to code that has none, from whoever calls it."""
