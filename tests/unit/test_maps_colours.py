"""Colours can be distinguished, also without red, green or blue cones; ramps are even."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from maps import colours

# Full loss of one kind of cone: G. M. Machado, M. M. Oliveira and L. A. F. Fernandes, "A physiologically-based model for
# simulation of color vision deficiency", IEEE TVCG 15(6), 2009, severity 1.0, on linear sRGB.
VISION = {
    "all cones": np.eye(3),
    "no L cones": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no M cones": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no S cones": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def seen(colour: str, vision: str) -> np.ndarray:
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.clip(np.array(VISION[vision]) @ (((srgb + 0.055) / 1.055) ** 2.4), 0, 1)
    return colours.oklab(colours.hex_colour(1.055 * linear ** (1 / 2.4) - 0.055))


@pytest.mark.parametrize("vision", VISION)
def test_states_differ_for_every_vision(vision: str) -> None:
    fills = [fill for fill, _ in colours.STATES.values()]
    # 0.02 is a just noticeable difference in Oklab; areas on a map need several times that.
    assert min(np.linalg.norm(seen(a, vision) - seen(b, vision)) for a, b in combinations(fills, 2)) > 0.1


@pytest.mark.parametrize("vision", VISION)
def test_classes_of_failing_grids_differ_for_every_vision(vision: str) -> None:
    pairs = combinations(colours.FAILING_COLOURS, 2)
    assert min(np.linalg.norm(seen(a, vision) - seen(b, vision)) for a, b in pairs) > 0.06


def test_higher_classes_have_fewer_grids() -> None:
    sizes = -np.diff([1.0, *colours.CLASS_SHARES[::-1]])[::-1]
    assert (np.diff(sizes) < -0.04).all()
    assert colours.FAILING_LIMITS == (0, 1, 2, 4, 7)


def test_only_the_good_state_is_plain() -> None:
    plain = [state for state, (fill, ink) in colours.STATES.items() if fill == ink]
    assert plain == ["met"]
    for fill, ink in list(colours.STATES.values())[1:]:
        assert abs(colours.oklab(fill)[0] - colours.oklab(ink)[0]) > 0.2  # The pattern is visible on a grey print.


@pytest.mark.parametrize("n", [2, 5, 24])
def test_ramp_gets_darker_by_even_steps(n: int) -> None:
    steps = np.diff([colours.oklab(colour)[0] for colour in colours.more_ramp(n)])
    assert (steps < 0).all()
    assert np.ptp(steps) < 0.012  # eight-bit rounding, and a corner of the ramp that leaves the gamut
