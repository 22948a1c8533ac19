"""Reads tracks from files of all usual formats; unusable rows are refused with their number and the reason.

Processing of a file
-----------------
1. :mod:`geo.tracks.reading.read` unpacks it (gzip) and determines its format with
   :func:`geo.tracks.reading.registry.format_of`: by its content, or by the ending of its name if no content is recognised.
2. The reader of that format returns a :class:`~geo.tracks.reading.format.FixTable`: text, row numbers, refused rows. Spreadsheets
   and text of no known format are read by :mod:`geo.tables`.
3. Headers are matched (unless the columns already have our names), texts become times, coordinates and numbers, and each
   unusable row is refused with its number, column, value and reason. All formats share this step.

Adding a format
---------------
Write one module in :mod:`geo.tracks.reading.formats` with a constant ``FORMAT``, a :class:`~geo.tracks.reading.format.Format`:

``name``
    Name shown to users: ``"GPX"``.
``endings``
    File name endings, used only if no content is recognised: ``(".gpx",)``.
``recognises(raw) -> bool``
    Whether the content is of this format; fast (reads the first 64 kB, :data:`~geo.tracks.reading.format.HEAD`), never raises.
``read(raw, name) -> FixTable``
    ``rows`` is a frame of text (None or NaN for missing values), with our column names of :mod:`geo.tracks.columns`
    (``named=True``) or with the file's own headers (``named=False``, matched afterwards). ``numbers`` has the number of
    each row in the numbering of the file, from 1. Rows that cannot be split into fields go to ``refused``
    (:func:`geo.tables.refused.refuse`). Times are text in any spelling that :mod:`geo.tables.times` reads; where the format
    defines them as UTC, write them with ``Z``. Speeds are in m/s, accuracies in metres. ``datum`` is set if the format's
    standard defines one. Raises FileError if the file cannot be used at all.

and add the module to :data:`geo.tracks.reading.registry.FORMATS`, stricter recognition before looser.
"""
