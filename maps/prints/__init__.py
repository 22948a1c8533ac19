"""Printed documents of the duty room as PDF and Word: ledgers, brief, letters, cards, badges, boards, yearly accounts.

Terms
-----
paper
    A document for people: values in, bytes of a PDF out. The same values and fonts give the same bytes.
template
    A Typst file below ``templates``. It gets its values as one JSON text; a value is inserted as text and never becomes markup.
imprint
    The last lines of a brief: recipients, printing office and date. It is never alone on a page.

:mod:`papers` writes the PDF of each kind, :mod:`typesetting` compiles a template and treats every warning as an error, a missing
font above all; ``templates/style.typ`` contains the measures of GB/T 9704-2012. :mod:`public_papers` computes the values of
letters, cards, badges and boards from ledgers I, J and K. :mod:`word` writes the editable brief.
"""
