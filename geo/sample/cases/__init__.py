"""Cases of the model street: a roster of made-up persons, and reports handled by the real state machine with known truth."""
