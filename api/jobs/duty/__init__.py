"""Jobs of duty that read files into the store."""
