"""The implementation of ``wangge incidents``.

:mod:`run` reads the files and selects the outputs; :mod:`assignment` assigns incidents to cells and counts them in memory;
:mod:`tables` writes tables, :mod:`drawing` density and heat map, :mod:`page` the one-page summary.
"""
