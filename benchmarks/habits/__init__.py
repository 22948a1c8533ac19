"""Simulated patrol days with other habits than those of ``geo.sample``, with a truth computed without code of the product.

A second, independent simulator, so that verdicts are evaluated on days for which they were not tuned. It imports nothing of the
product: cells and roads are read from ``data/boundaries``, and the rules from a plain table, ``rules.csv``.

Terms
-----
habit
    One named way of working, or one fault of phones: :data:`HABITS` lists them. A seed determines the day.
way
    Position of a person at each second, on foot or riding.
stay
    Foot seconds of one person in one cell; absences of up to `merge_gap_s` are joined.
phone
    Fixes sent by a device along a way, at a rate, with errors, gaps, duplicates and wrong clocks.

Modules, in import order: ``rule`` (the table of rules, and the truth according to their wording), ``ground`` (cells
and roads), ``ways``, ``scenarios`` (the habits), ``plans`` (a person's day), ``days`` (a street's day) and ``phones``.

Public: :class:`Ground`, :data:`HABITS`, :class:`Habit`, :func:`simulate`, :class:`Day`, :func:`fixes`, :class:`Rule`,
:func:`read_rules`.

Known limits
------------ Buildings are no obstacles. A ride includes waiting at corners. Errors of phones are Gauss-Markov; reflections with
jumps of a hundred metres are not simulated.
"""

from benchmarks.habits.days import Day, simulate
from benchmarks.habits.ground import Ground
from benchmarks.habits.phones import fixes
from benchmarks.habits.rule import Rule, read_rules
from benchmarks.habits.scenarios import HABITS, Habit

__all__ = ["HABITS", "Day", "Ground", "Habit", "Rule", "fixes", "read_rules", "simulate"]
