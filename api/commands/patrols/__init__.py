"""The work behind ``wangge patrols``.

:mod:`run` reads the files and decides what is written; :mod:`verified` goes from fixes to verdicts in memory. :mod:`tables` and
:mod:`workbook` write the verdicts, :mod:`routes` the cells touched, :mod:`plans` what is due, feasible, or planned as a
route, :mod:`drawing` the two pages. :mod:`history` records what a run was made from and compares it with an earlier one;
:mod:`stored` reads verdicts and visits that were written before.
"""
