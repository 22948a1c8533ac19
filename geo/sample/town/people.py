"""Residents and households, distributed over dwellings by floor area with an exact total."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: Persons in a household: assumed, a usual figure for a town of this kind.
PERSONS_PER_HOUSEHOLD = 2.6

# Persons per m² of floor relative to a flat of the 1980s: village houses are let by the room, new flats are larger.
_CROWDING = {"old": 1.0, "new": 0.62, "village": 0.95}


def spread(
    floor_m2: npt.NDArray[np.float64], uses: list[str], total: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Distribute `total` residents over dwellings.

    Parameters
    ----------
    floor_m2
        Residential floor area of each building; 0 for other buildings, shape (n,).
    uses
        Use of the plot of each building.

    Returns
    -------
    population, households : ndarray of int64, shape (n,)
        The population sums to `total` exactly (largest remainders). A dwelling with residents has at least one
        household, and no household is larger than its share of the residents.
    """
    crowding = np.array([_CROWDING.get(u, 0.0) for u in uses])
    weight = floor_m2 * crowding * rng.uniform(0.82, 1.12, len(uses))
    population = largest_remainder(weight, total)
    persons = np.clip(rng.normal(PERSONS_PER_HOUSEHOLD, 0.16, len(uses)), 2.0, 3.4)
    households = np.where(population > 0, np.maximum(1, np.rint(population / persons)), 0).astype(np.int64)
    return population, households


def largest_remainder(weight: npt.NDArray[np.float64], total: int) -> npt.NDArray[np.int64]:
    """Integers in proportion to `weight` that sum to `total`; ties go to the earlier one."""
    share = weight / weight.sum() * total
    whole: npt.NDArray[np.int64] = np.floor(share).astype(np.int64)
    missing = total - int(whole.sum())
    order = np.argsort(-(share - whole), kind="stable")
    whole[order[:missing]] += 1
    return whole
