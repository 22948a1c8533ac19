"""Parts of the benchmark of the index: coverages, alternatives, and drawings of curves."""
