"""Chinese sentences for error messages, which are written in English in the code.

``errors.csv`` has a row for every place in the code that raises an error, ``notices.csv`` one for every notice, and
``phrases.csv`` has parts of messages and messages of libraries (command line usage, schema validation of requests, errors of the
operating system). A test compares the first two tables with the code, so an error without a Chinese sentence cannot be added.
"""

from api.translations.messages import FALLBACK, in_chinese, known, phrase_in_chinese, text_of

__all__ = ["FALLBACK", "in_chinese", "known", "phrase_in_chinese", "text_of"]
