"""``python -m api.cli``: the command line without the installed command ``wangge``."""

from api.cli import main

if __name__ == "__main__":  # a second process of the demonstration imports this module too
    main()
