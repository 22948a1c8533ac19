"""``python -m api.cli``: the command line without the installed command ``wangge``."""

from api.cli import main

main()
