"""Reading incidents from files: positions, times, and what is wrong with each row."""
