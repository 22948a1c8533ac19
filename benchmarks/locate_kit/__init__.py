"""What the benchmark of the index is made of: coverages, competitors, and drawings of curves."""
