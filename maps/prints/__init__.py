"""Papers of the duty room as PDF and Word: ledgers, brief, letters, cards, badges, boards, sheets for the yearly account.

Terms
-----
paper
    A document for people: values in, bytes of a PDF out. The same values and fonts give the same bytes.
template
    A Typst file below ``templates``. It gets its values as one JSON text; a value is inserted as text and never becomes markup.
imprint
    The last lines of a brief: to whom it is sent, by whom and when it was printed. It never stands on a page alone.

:mod:`papers` writes the PDF of each kind, :mod:`typesetting` compiles a template and treats every warning as an error, a missing
font above all; ``templates/style.typ`` holds the measures of GB/T 9704-2012. :mod:`public_papers` makes the values of what is
handed out and hung up from ledgers I, J and K. :mod:`word` writes what is edited further.
"""
