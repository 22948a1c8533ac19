"""Cases and the roster in the service: request and response bodies, rights by role, and the functions called by the routes.

:mod:`api.duty.schemas` imports quickly; the other modules import pandas and are loaded at the first request.
"""
