"""Reading tracks from files of any usual format; what cannot be used is refused with its row and the reason.

The way of a file
-----------------
1. :mod:`geo.tracks.reading.read` unpacks it (gzip) and asks :func:`geo.tracks.reading.registry.format_of` what it is: by its
   content, and only if no content is recognised by the ending of its name.
2. The reader of that format gives a :class:`~geo.tracks.reading.format.FixTable`: text, row numbers, refused rows. A file that no
   format recognises and that is a spreadsheet or text is read by :mod:`geo.tables`.
3. Headers are matched (unless the columns have our names already), texts become times, coordinates and numbers, and each row
   that cannot be used is refused with its number, column, value and reason. This happens in one place for all formats.

Adding a format
---------------
Write one module in :mod:`geo.tracks.reading.formats` with a constant ``FORMAT``, a :class:`~geo.tracks.reading.format.Format`:

``name``
    What users call it: ``"GPX"``.
``endings``
    Endings of its files, asked only where no content is recognised: ``(".gpx",)``.
``recognises(raw) -> bool``
    Whether the content is of this format; cheap (look at the first 64 kB, :data:`~geo.tracks.reading.format.HEAD`), never raises.
``read(raw, name) -> FixTable``
    ``rows`` is a frame of text (None or NaN where nothing is stated), with our column names of :mod:`geo.tracks.columns`
    (``named=True``) or with the file's own headers (``named=False``, matched afterwards). ``numbers`` has the number of each row
    as the file counts its records, from 1. Rows that cannot be split into fields go to ``refused``
    (:func:`geo.tables.refused.refuse`). Times are text in any spelling that :mod:`geo.tables.times` reads; where the format
    defines them as UTC, write them with ``Z``. Speeds are in m/s, accuracies in metres. ``datum`` is set where the format's
    standard sets one. Raises FileError if the file as a whole cannot be used.

and add the module to :data:`geo.tracks.reading.registry.FORMATS`, stricter recognition before looser.
"""
