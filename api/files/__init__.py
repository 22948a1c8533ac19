"""Input and output files of commands.

:mod:`~api.files.inputs`, :mod:`~api.files.small_input`
    Read a layer or a division from a path; decide whether it is too small for compiled kernels.
:mod:`~api.files.outputs`, :mod:`~api.files.workbook`, :mod:`~api.files.documents`
    Write text, layers, pictures, Excel workbooks and printed documents, all through one atomic writer.
:mod:`~api.files.reading_notices`
    Notices of the readers as text.
"""
