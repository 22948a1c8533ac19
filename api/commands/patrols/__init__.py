"""The implementation of ``wangge patrols``.

:mod:`run` reads the files and selects the outputs; :mod:`verified` computes verdicts from fixes in memory. :mod:`tables` and
:mod:`workbook` write the verdicts, :mod:`routes` the cells touched, :mod:`plans` due cells, feasibility, and the comparison with
a planned route, :mod:`drawing` the two pages. :mod:`history` records the inputs of a run and compares it with an earlier one;
:mod:`stored` reads the verdicts and visits of an earlier run.
"""
