"""Status codes of errors: the most specific class applies."""

from __future__ import annotations

import pytest

from api.errors import NotStoredError, PublishedError
from api.problems import status_of
from geo.errors import DatumError, FileError, ImpossibleError, InputError, WanggeError


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotStoredError("x"), 404),
        (PublishedError("x"), 409),
        (FileError("x"), 404),
        (InputError("x"), 422),
        (DatumError("x"), 422),
        (ImpossibleError("x"), 422),
        (WanggeError("x"), 500),
        (KeyError("x"), 500),
    ],
)
def test_each_error_has_its_status_code(error: Exception, status: int) -> None:
    assert status_of(error) == status
