"""Cases and the roster in the service: bodies, who may act in which part, and what the routes answer with.

:mod:`api.duty.schemas` is light; the other modules load pandas and are imported when a route is asked.
"""
