"""``wangge demo``: the demonstration, and its live form."""
