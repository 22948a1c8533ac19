"""Verdicts computed from stored fixes: of any day on request, and updated as fixes arrive.

Terms
-----
day
    A local day, ``[0:00, 24:00)`` in the time zone of the rule set. Only its own fixes are used, so that a day can be recomputed
    alone.
follow
    To recompute exactly the verdicts that new fixes can change.
restated
    A verdict of a past day that was changed by late fixes; the earlier revision is kept.

Public: :func:`judge` (:mod:`~api.verdicts.day`), :class:`Follower` (:mod:`~api.verdicts.follower`).

Known limits: a gap across midnight is not known to either day.
"""
