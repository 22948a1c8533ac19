"""Jobs of duty: files are read into the database, and papers that are handed out or hung up are printed from it."""
