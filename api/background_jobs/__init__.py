"""Background jobs, executed by separate processes.

Terms
-----
job
    A row of the table ``job``: kind, arguments, and finally a result or a reason of failure.
worker
    A process (:mod:`~api.background_jobs.worker`) that takes one job at a time, with a lease. It runs the job in a child
    process, so that a cancelled job stops at once and a crash does not affect the worker.
lease
    Period in which a job belongs to its worker unless renewed. The job of a dead worker is taken by another one.

Public: :data:`~api.background_jobs.kinds.KINDS`, :func:`~api.background_jobs.worker.run`.

Known limits: a job that is retried starts from the beginning.
"""
