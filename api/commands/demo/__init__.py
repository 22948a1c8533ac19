"""The command ``wangge demo``: the whole job on the model street.

:mod:`job` runs the steps and reports them; :mod:`store` fills the database, :mod:`cases` with a month of cases, :mod:`staff` with
a week on duty.
"""
