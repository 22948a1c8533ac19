"""Drafts of the editor on the server.

Terms
-----
log
    The entries of a draft in the database, in order. It is authoritative: the state in memory is derived from it.
entry
    One line of the log: an edit with its compiled primitives, an undo, a comment, or a change of state.
open draft
    A draft in the memory of one process, at the revision of the last entry that was read. Newer entries are read before each
    answer.
patch
    Change of the arcs and rows that pages hold, made by one entry.
replay
    Assignment of last month's incidents and verdicts of the last week, computed on the draft before and after an edit.

An edit is tested on the open draft, appended to the log in one transaction, and answered after the commit. If another process
appended an entry first, nothing is stored: the newer entries are read, and the edit is tested again.
"""
