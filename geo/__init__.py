"""The domain of wangge: frames and arrays in, frames and arrays out.

``tables`` reads rows of files; ``layers`` is the model of a division and reads and writes vector files. ``coverage`` checks and
repairs layers, ``locate`` finds the cell of a point, ``tracks`` makes trajectories from fixes. ``divide`` and ``redraw`` make and
change divisions, ``patrols`` and ``incidents`` evaluate what happens in them, ``duty`` has the rules of cases and ledgers.
``sample`` simulates all of it; nothing in the product needs it. docs/architecture.md has the order of imports.

Nothing here imports a web framework, a database, a map library or a settings library, or reads the clock or the environment.
"""
