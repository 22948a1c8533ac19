"""Verdicts of stored fixes: of any day on request, and made again as fixes arrive.

Terms
-----
day
    A local day, ``[0:00, 24:00)`` in the zone of the rule set. Only its own fixes are used, so that
    a day can be judged again alone.
follow
    To make the verdicts that new fixes can change, and only those, again.
restated
    A verdict of a past day that late fixes have changed; the earlier revision stays.

Public: :func:`judge` (:mod:`~api.verdicts.day`), :class:`Follower` (:mod:`~api.verdicts.follower`).

Known limits: a silence over midnight is not known to either day.
"""
