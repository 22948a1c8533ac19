"""The files of a command: what it reads, what it writes whole or not at all, and how reading is told.

:mod:`~api.files.inputs`, :mod:`~api.files.small_input`
    A layer or a division from a path; whether it is so small that compiled code would only cost time.
:mod:`~api.files.outputs`, :mod:`~api.files.workbook`, :mod:`~api.files.documents`
    Text, layers and pictures, workbooks of Excel and printed documents, each through one atomic writer.
:mod:`~api.files.reading_notices`
    What a reader found on its way, in words.
"""
