"""Receives fixes: decodes messages of phones and programs, and stores all waiting batches in one commit.

Terms
-----
batch
    The fixes of one request. It is stored in one commit, and acknowledged after it.
group
    The batches that arrived during the last commit; they are stored by the next one.
stored, repeated, conflicting, refused
    Result for a fix: new; already stored; already stored with another position (the first is kept); unusable, with the reason.

Public: :class:`Writer`, :class:`Outcome` (:mod:`~api.ingest.writer`), :func:`read_batch` (:mod:`~api.ingest.decode`), and the
protocols of phones (:mod:`~api.ingest.phones`).

Known limits: altitude, heading and battery are not stored, because no rule set needs them (data minimisation).
"""
