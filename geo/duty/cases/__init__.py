"""Cases: which steps there are, what they make of a case, when one is refused, and what links cases to each other."""
