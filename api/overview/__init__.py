"""What the pages of the day show, composed from the store: verdicts of the last weeks, incidents, what needs somebody.

:mod:`days` reads stored verdicts as days, :mod:`week_cases` what is reported and what is overdue, :mod:`day_figures` composes
the first page. Nothing is written.
"""
