"""Briefs and assessment: indicators with their definitions, a fair comparison of communities, and what a brief says.

Terms
-----
indicator
    A share with a definition that has a number and a version. Its numerator and denominator are lists of cases, so that every
    figure leads to what it counts.
应结案 (due to be closed)
    Cases whose valid deadline of handling falls into the period; not all cases, and the definition is printed with the figure.
funnel
    Comparison of shares of areas of different size, with limits that allow for overdispersion
    (:func:`~geo.duty.briefs.proportions.funnel`).
block
    A part of a paper: heading, paragraph, table, funnel, definitions. Page, PDF and Word show the same blocks.

There is no score, no rank and no figure of a person. Areas stand in the order of their codes.

``proportions`` holds the statistics, ``indicators`` the definitions and what they count, ``areas`` the comparison, ``blocks`` the
parts of a paper, ``composing`` and ``problems`` make the brief, ``sampling`` draws the cases of the public review.
"""
