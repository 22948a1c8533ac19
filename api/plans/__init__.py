"""Drafts of the editor on the server.

Terms
-----
log
    The entries of a draft in the database, in order; the truth. What a process keeps in memory is made from it.
entry
    One line of the log: an edit with the primitives that it was compiled to, an undo, a comment, a change of state.
open draft
    A draft in the memory of one process, at the revision of the last entry it has read; it reads the newer ones before it
    answers.
patch
    What an entry changed of the arcs and rows that pages have.
replay
    Last month's incidents and last week's verdicts, looked at on the draft before and after an edit.

An edit is tested on the open draft, appended to the log in one transaction, and answered after its commit. If another process
was first, nothing is appended: the newer entries are read, and the edit is tested again.
"""
