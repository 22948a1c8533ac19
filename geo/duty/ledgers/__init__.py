"""Ledgers A to K (台账): views computed from facts that are entered once.

Terms
-----
ledger
    One of eleven tables (:class:`~geo.duty.ledgers.columns.LedgerKind`) for an area and a day, week or month.
column, source
    Each column of a ledger has one source of its values: ``reports.text``, ``events.at``, ``verdicts.verdict``.
typed
    A column written by people: remarks, plans and statements. All other columns are computed, so nothing is written twice.
correction (更正)
    A difference between a signed ledger and the same ledger computed from the current facts.

``data/ledger_columns.csv`` is the table of all columns. It defines the columns of the frames and the headings of pages, Excel
sheets and documents, and proves that no cell is typed twice (:func:`~geo.duty.ledgers.columns.proof`).
"""
