"""The work behind ``wangge incidents``.

:mod:`run` reads the files and decides what is written; :mod:`assignment` puts incidents into cells and counts them in memory;
:mod:`tables` writes tables, :mod:`drawing` density and heat map, :mod:`page` the one-page summary.
"""
