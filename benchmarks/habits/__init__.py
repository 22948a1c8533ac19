"""Patrol days of people with other habits than those of ``geo.sample``, with a truth that no code of the product computes.

A second simulator, written apart from the first, so that verdicts are judged on days that they were not tuned on. It imports
nothing of the product: cells and roads are read from ``data/boundaries``, and the rule stands in a plain table, ``rules.csv``.

Terms
-----
habit
    One named way of working, or one fault of phones: :data:`HABITS` lists them. With a seed it gives one day, always the same.
way
    Where a person was at each second, on foot or riding.
stay
    Foot seconds of one person in one cell; absences of up to `merge_gap_s` are joined.
phone
    What a device reports of a way: fixes at a rate, with errors, silences, repeats and wrong clocks.

Modules, in the order in which they import each other: ``rule`` (the rule's table, and the truth by its words), ``ground`` (cells
and roads), ``ways``, ``scenarios`` (the habits), ``plans`` (a person's day), ``days`` (a street's day) and ``phones``.

Public: :class:`Ground`, :data:`HABITS`, :class:`Habit`, :func:`simulate`, :class:`Day`, :func:`fixes`, :class:`Rule`,
:func:`read_rules`.

Known limits
------------
Buildings are no obstacles. A person who rides is a ride for as long as he sits on the bicycle, also while he waits at a corner.
Errors of phones are Gauss-Markov; reflections that jump by a hundred metres are not among them.
"""

from benchmarks.habits.days import Day, simulate
from benchmarks.habits.ground import Ground
from benchmarks.habits.phones import fixes
from benchmarks.habits.rule import Rule, read_rules
from benchmarks.habits.scenarios import HABITS, Habit

__all__ = ["HABITS", "Day", "Ground", "Habit", "Rule", "fixes", "read_rules", "simulate"]
