"""Published versions in memory, what is made of a new one in the background, and the file beside the store."""
