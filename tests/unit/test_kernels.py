"""Compiled kernels: where numba counts references to arrays, which costs more than the work of a small function."""

from __future__ import annotations

import numba
import numpy as np
import pytest
import shapely
from numba.core.errors import TypingError

from geo.divide.partitioning import annealing, search
from geo.divide.partitioning.adjacency import build_graph
from geo.divide.partitioning.bisection import Workspace
from geo.divide.partitioning.objective import Cells, Rules
from geo.kernels import Kernel, kernel


@kernel(allocates=False)
def _third(values):
    return values[2]


@kernel(allocates=False)
def _copied(values):
    return values.copy()


def called(of: Kernel) -> dict[str, Kernel]:
    """Kernels that a kernel calls, also through others."""
    names, found = list(of.function.__code__.co_names), {}
    while names:
        name = names.pop()
        value = of.function.__globals__.get(name)
        if isinstance(value, Kernel) and name not in found:
            found[name] = value
            found |= called(value)
    return found


def test_what_makes_no_array_counts_no_references():
    # Compiled without the cache, of which numba shows no code.
    bare, counting = numba.njit(**_third._options)(_third.function), numba.njit(_third.function)
    assert _third(np.arange(4)) == bare(np.arange(4)) == counting(np.arange(4)) == 2
    assert "NRT_" in "".join(counting.inspect_llvm().values())
    assert "NRT_" not in "".join(bare.inspect_llvm().values())


def test_a_kernel_that_makes_an_array_after_all_is_refused():
    with pytest.raises(TypingError, match="array"):
        _copied(np.arange(4))


def test_no_step_of_annealing_and_search_counts_references():
    # Each of these is called a million times a run; with counting, a run takes four times as long.
    steps = called(annealing.anneal)
    assert {"is_simple", "label_of", "_move", "energy_of", "_has_detour"} <= steps.keys()
    assert {name for name, one in steps.items() if one.allocates} == {"tally"}  # once a run
    steps = called(search.search)
    assert {"_add", "_next", "_rest_suffices"} <= steps.keys()
    assert {name for name, one in steps.items() if one.allocates} == {"_largest_deviation"}  # for each division found


def test_workspaces_of_threads_share_cells_and_no_working_memory():
    shapes = np.array([shapely.box(x, 0, x + 1, 1) for x in range(4)], dtype=object)
    cells = Cells(
        build_graph(shapes), np.ones(4), np.ones(4), shapely.get_coordinates(shapely.centroid(shapes)), np.ones(4)
    )
    one = Workspace(cells, Rules(), np.random.default_rng(1))
    other = one.with_own_state(1)
    assert other.net.weight is one.net.weight
    assert not np.shares_memory(other.net.met, one.net.met)
