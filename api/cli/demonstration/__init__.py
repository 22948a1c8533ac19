"""Parts of ``wangge demo``."""
