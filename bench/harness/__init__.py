"""Parts of the benchmark runner."""
