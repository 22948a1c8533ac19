"""Import of duty files into the database, and printing of public papers from it."""
