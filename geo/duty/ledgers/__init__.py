"""Ledgers A to K (台账) as views: each is made from facts that were entered once, where they happened.

Terms
-----
ledger
    One of eleven tables (:class:`~geo.duty.ledgers.columns.LedgerKind`) of a place and a day, week or month.
column, source
    A column of a ledger names the one place that its values come from: ``reports.text``, ``events.at``, ``verdicts.verdict``.
typed
    A column that people write: remarks, plans and statements. All other columns are made, and nothing is written twice.
correction (更正)
    A difference between a ledger that was signed and the same ledger made again from what is known now.

``data/ledger_columns.csv`` is the table of all columns. From it come the columns of the frames, the headings of pages, sheets of
Excel and papers, and the proof that no cell is typed twice (:func:`~geo.duty.ledgers.columns.proof`).
"""
