"""From presence to stays and visits: time in a cell under errors, which stays count, how many there were, what silence hides."""
