"""Fast paths of the repair against GEOS: edges noded on the lattice, pairs of near edges."""

from __future__ import annotations

import numpy as np
import pytest

from geo.coverage.repairing import near_edges, noding
from geo.coverage.repairing.noding import noded_edges

NANJING = np.array([388_000_000, 3_554_000_000])


def distinct(edges: np.ndarray) -> list[tuple[tuple[int, ...], ...]]:
    """Undirected edges, each once, in order."""
    return sorted({tuple(sorted(map(tuple, pair))) for pair in edges.tolist()})


def random_edges(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Edges that cross, share vertices, run close to each other or are a few units long; in up to three groups."""
    rng = np.random.default_rng(seed)
    n, size = int(rng.integers(2, 50)), int(rng.choice([6, 20, 300, 20_000, 200_000]))
    ends = rng.integers(0, size, (n, 2, 2))
    if seed % 3 == 0:
        ends = rng.integers(0, size, (n // 2 + 2, 2))[rng.integers(0, n // 2 + 2, (n, 2))]
    if seed % 5 == 0:
        ends[::2, 1] = ends[::2, 0] + rng.integers(-3, 4, ends[::2, 0].shape)
    ends = ends[(ends[:, 0] != ends[:, 1]).any(axis=1)]
    return ends + NANJING, rng.integers(0, 3, len(ends))


@pytest.mark.parametrize("seed", range(60))
def test_edges_are_noded_as_by_geos(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ends, group = random_edges(seed)
    monkeypatch.setattr(noding, "_FEW_EDGES", 0)
    assert distinct(noded_edges(ends, group)) == distinct(noding._noded_by_geos(ends, group))


def test_most_groups_are_not_left_to_geos(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []
    by_geos = noding._noded_by_geos
    monkeypatch.setattr(noding, "_FEW_EDGES", 0)
    monkeypatch.setattr(noding, "_noded_by_geos", lambda e, g: left.append(len(e)) or by_geos(e, g))
    rng = np.random.default_rng(5)
    ends = rng.integers(0, 50_000, (2000, 2, 2)) + NANJING
    noded_edges(ends, np.repeat(np.arange(200), 10))
    assert sum(left) < 100


@pytest.mark.parametrize(
    ("other", "nodes"),
    [
        ([[50, 10], [50, -10]], [(50, 0)]),  # crosses
        ([[50, 0], [50, -10]], [(50, 0)]),  # ends on the edge
        ([[50, 1], [50, 9]], []),  # a vertex one unit beside a level edge
        ([[30, 0], [70, 0]], [(30, 0), (70, 0)]),  # lies on it
    ],
)
def test_an_edge_is_cut_where_another_meets_it(
    other: list[list[int]], nodes: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noding, "_FEW_EDGES", 0)
    ends = np.array([[[0, 0], [100, 0]], other])
    noded = noded_edges(ends, np.zeros(2, dtype=np.int64))
    on_the_edge = {tuple(p) for p in noded.reshape(-1, 2).tolist() if p[1] == 0 and p[0] not in (0, 100)}
    assert on_the_edge == set(nodes)
    apart = noded_edges(ends, np.array([0, 1]))
    assert distinct(apart) == distinct(ends)


@pytest.mark.parametrize("seed", range(20))
def test_near_pairs_are_those_of_geos(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(seed)
    starts = rng.uniform(0, 60, (2, 150, 1, 2))
    lines, edges = np.concatenate([starts, starts + rng.normal(0, [3, 20][seed % 2], starts.shape)], axis=2)
    lines[0] = edges[0]
    wanted = near_edges.near_pairs(lines, edges, 1.5)
    monkeypatch.setattr(near_edges, "_FEW_EDGES", 0)
    found = near_edges.near_pairs(lines, edges, 1.5)
    assert np.array_equal(found[0], wanted[0])
    assert np.array_equal(found[1], wanted[1])
    assert len(found[0]) > 100
