"""The work behind ``wangge patrols``."""
