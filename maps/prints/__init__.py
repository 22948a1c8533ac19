"""Papers of the duty room: ledgers, the brief, letters, cards, badges, boards and the sheet for the yearly account, as PDF and Word.

Terms
-----
paper
    A document for people: values in, bytes of a PDF out. The same values and fonts give the same bytes.
template
    A Typst file below ``templates``. It gets its values as one JSON text; a value is inserted as text and never becomes markup.
imprint
    The last lines of a brief: to whom it is sent, by whom and when it was printed. It never stands on a page alone.

:mod:`typesetting` compiles a template and treats every warning as an error, a missing font above all. :mod:`official_style` holds
the measures of GB/T 9704-2012. :mod:`word` writes what is edited further.
"""
