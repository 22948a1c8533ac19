"""Briefs and assessment: indicators with their definitions, comparison of communities, and the content of briefs.

Terms
-----
indicator
    A share with a numbered and versioned definition. Numerator and denominator are lists of cases, so every figure links to the
    cases it counts.
应结案 (due to be closed)
    Cases whose handling deadline lies in the period, not all cases; the definition is printed with the figure.
funnel
    Comparison of shares of areas of different size, with limits that allow for overdispersion
    (:func:`~geo.duty.briefs.proportions.funnel`).
block
    A part of a document: heading, paragraph, table, funnel, definitions. Page, PDF and Word contain the same blocks.

There are no scores, ranks or figures of persons. Areas are sorted by code.

``proportions`` contains the statistics, ``indicators`` the definitions and counting, ``areas`` the comparison, ``blocks`` the
parts of a document, ``composing`` and ``problems`` the content of the brief, ``sampling`` the sample for the public review.
"""
