"""Rosters: persons responsible for cells by dates (三定), leave, hand-over, shifts, notices; reading rosters from files."""
