"""Colours of the maps, defined in one place, and the ramps derived from them.

The four states differ in lightness, hue and pattern, so they can be distinguished with any colour vision and in grey. Ramps are
computed in Oklab (B. Ottosson, 2020), where equal steps look equal.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: States of a verdict in the order of the pages: fill colour, and colour of the pattern on it.
STATES = {
    "met": ("#a9cfe5", "#a9cfe5"),
    "short": ("#f7c65b", "#8a5a00"),
    "not_visited": ("#a8321f", "#f3b3a4"),
    "unknown": ("#f4f4f2", "#6f7479"),
}

#: Failing grids (short or not visited) of a community: lower class limits and colours. Violet, because no state has that hue;
#: the first class has no failing grid. Unknown grids are not included and have their own mark.
FAILING_LIMITS = (0, 1, 2, 4, 7)
FAILING_COLOURS = ("#f7f5f9", "#d9c9ea", "#b598d8", "#8a62bd", "#56307f")

#: Colour of cells without incidents.
NONE_COLOUR = "#f6f4ef"

# Anchors of the ramp: pale sand, amber, red, dark plum. Lightness decreases uniformly, whatever that of the anchors is.
_MORE = ("#fff2c0", "#f2a33c", "#cc3f4c", "#451a4f")
_LIGHTEST, _DARKEST = 0.95, 0.29


def more_ramp(n: int) -> list[str]:
    """`n` colours from low to high values with uniformly decreasing lightness.

    >>> more_ramp(3)[0] != more_ramp(3)[2], len(more_ramp(256))
    (True, 256)
    """
    return [hex_colour(rgb) for rgb in more_rgb(np.linspace(0.0, 1.0, n))]


def more_rgb(share: Floats) -> Floats:
    """Colours for shares of the maximum.

    Parameters
    ----------
    share
        Values in [0, 1], any shape; other values are clipped.

    Returns
    -------
    ndarray of float64, shape ``share.shape + (3,)``
        sRGB in [0, 1].
    """
    share = np.clip(np.asarray(share, dtype=float), 0.0, 1.0)
    anchors = np.array([oklab(colour) for colour in _MORE])
    at = np.linspace(0.0, 1.0, len(anchors))
    lab = np.stack(
        [
            _LIGHTEST + (_DARKEST - _LIGHTEST) * share,
            np.interp(share, at, anchors[:, 1]),
            np.interp(share, at, anchors[:, 2]),
        ],
        axis=-1,
    )
    return _to_srgb(lab)


def oklab(colour: str) -> Floats:
    """Oklab coordinates (lightness, green-red, blue-yellow) of a colour such as ``'#a8321f'``."""
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return np.asarray(_LMS_TO_LAB @ np.cbrt(_RGB_TO_LMS @ linear))


_RGB_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LMS_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def _to_srgb(lab: Floats) -> Floats:
    lms = (lab @ np.linalg.inv(_LMS_TO_LAB).T) ** 3
    linear = np.clip(lms @ np.linalg.inv(_RGB_TO_LMS).T, 0.0, 1.0)
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.clip(srgb, 0.0, 1.0))


def hex_colour(rgb: Floats) -> str:
    """Colour such as ``'#a8321f'`` from sRGB in [0, 1], shape (3,)."""
    return "#" + "".join(f"{round(float(value) * 255):02x}" for value in rgb)


#: Shares of the grids above zero at which the classes of a choropleth begin; the page computes the values, because they depend
#: on the user's selection. Higher classes are smaller, so that dark means few.
CLASS_SHARES = (0.0, 0.35, 0.65, 0.85, 0.95)
