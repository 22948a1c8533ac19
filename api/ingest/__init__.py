"""Fixes in: decoding what phones and programs send, and one writer that stores whatever waits in one commit.

Terms
-----
batch
    The fixes of one request. It is stored in one commit, and acknowledged after it.
group
    The batches that waited while the last commit ran; they share the next one.
stored, repeated, conflicting, refused
    What became of a fix: new; known already; known at another place (the first one stays); not usable, with the reason.

Public: :class:`Writer`, :class:`Outcome` (:mod:`~api.ingest.writer`), :func:`read_batch` (:mod:`~api.ingest.decode`), and the
protocols of phones (:mod:`~api.ingest.phones`).

Known limits: altitude, heading and battery are not kept: no rule set asks for them (minimum fields).
"""
