"""Reading tracks from files of any usual format; what cannot be used is refused with its row and the reason."""
