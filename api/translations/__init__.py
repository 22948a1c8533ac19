"""Chinese sentences for the messages of errors, which are written in English in the code.

``errors.csv`` has a row for every place of the program that makes an error, ``notices.csv`` one for every notice, and
``phrases.csv`` holds the parts of messages and the messages of libraries (usage of the command line, requests that do not fit
their schema, reasons of the system). A test compares the first two tables with the code, so an error without a Chinese sentence
cannot be added.
"""

from api.translations.messages import FALLBACK, in_chinese, known, phrase_in_chinese, text_of

__all__ = ["FALLBACK", "in_chinese", "known", "phrase_in_chinese", "text_of"]
