"""Long work, away from the processes that answer requests.

Terms
-----
job
    A row of the table ``job``: a kind of work, its arguments, and in the end a result or a reason.
worker
    A process (:mod:`~api.background.worker`) that takes one job at a time and holds it by a lease. It runs the work in a child
    process, so that a cancelled job stops at once and one that crashes takes nothing with it.
lease
    How long a job belongs to its worker without being renewed. The job of a dead worker is taken by another one.

Public: :data:`~api.background.kinds.KINDS`, :func:`~api.background.worker.run`.

Known limits: a job that is begun again begins from the start.
"""
