"""Answers frequent requests without FastAPI: fixes, single points, and whether the service works.

:mod:`~api.direct.front` is the application that the server runs, :mod:`~api.direct.dispatch` calls the functions of
:mod:`~api.direct.located`, :mod:`~api.direct.readiness` and :mod:`api.ingest.reception`.
"""
