"""Pages of the server that are not maps: their frame, the navigation that all share, and the first page of the day."""
