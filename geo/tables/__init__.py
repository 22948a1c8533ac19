"""Reading tables that people send: encodings, delimiters, headers, times, coordinates, refused rows."""
