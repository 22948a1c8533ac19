"""The domain of wangge: frames and arrays in, frames and arrays out.

``layers`` is the base; ``coverage`` and ``locate`` depend on it; ``divide`` depends on ``coverage``; ``patrols`` and
``incidents`` stand on ``locate``; ``sample`` stands on top, and nothing in the product needs it. Nothing here knows a
web framework, a database, a map library or a settings library, reads the clock or the environment; ``geo.layers`` is
the only door to files.
"""
