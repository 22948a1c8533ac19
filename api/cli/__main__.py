"""``python -m api.cli``: the command line where the command ``wangge`` is not installed."""

from api.cli import main

main()
