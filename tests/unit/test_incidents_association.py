"""Gi* and local Moran against esda, on a lattice of uneven values."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.sparse

from geo.incidents.statistics.association import gi_star, local_moran

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Warnings of their imports, for versions not under our control.
    import esda
    import libpysal

N = 42


@pytest.fixture(scope="module")
def lattice():
    return libpysal.weights.lat2W(6, 7)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.filterwarnings("ignore")
def test_gi_star_is_that_of_esda(lattice, seed):
    values = np.random.default_rng(seed).gamma(1.0, 3.0, N)
    theirs = esda.G_Local(values, lattice, transform="B", permutations=0, star=True).Zs
    binary = scipy.sparse.csr_array(lattice.sparse + scipy.sparse.eye_array(N))
    np.testing.assert_allclose(gi_star(values, binary), theirs, rtol=1e-12)
    # The other divisor of the variance scales all z equally.
    np.testing.assert_allclose(gi_star(values, binary, variance="n-1"), theirs * np.sqrt((N - 1) / N), rtol=1e-12)


@pytest.mark.filterwarnings("ignore")
def test_local_moran_is_that_of_esda(lattice):
    values = np.random.default_rng(2).gamma(1.0, 3.0, N)
    theirs = esda.Moran_Local(values, lattice, transformation="r", permutations=0)
    binary = scipy.sparse.csr_array(lattice.sparse)
    rows = scipy.sparse.csr_array(binary.multiply(1.0 / binary.sum(axis=1)[:, None]))
    value, expected, variance = local_moran(values, rows)
    np.testing.assert_allclose(value, theirs.Is * N / (N - 1), rtol=1e-12)
    np.testing.assert_allclose(expected, theirs.EIc, rtol=1e-12)
    np.testing.assert_allclose(variance, theirs.VIc, rtol=1e-12)


def test_nothing_varies():
    binary = scipy.sparse.csr_array(np.ones((3, 3)))
    assert np.isnan(gi_star(np.full(3, 0.1), binary)).all()
    assert all(np.isnan(column).all() for column in local_moran(np.full(3, 0.1), binary))
    assert all(np.isnan(column).all() for column in local_moran(np.array([1.0, 2.0]), binary[:2, :2]))
