"""The work behind ``wangge incidents``."""
