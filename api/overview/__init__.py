"""Content of the pages of a day, computed from the database: verdicts of the last weeks, incidents, and grids that need
attention.

:mod:`days` reads stored verdicts as days, :mod:`week_cases` reports and overdue cases, :mod:`day_figures` composes the first
page. Nothing is written.
"""
