"""Common functions of the commands: output, progress, and errors.

Tables go to standard output, progress and errors to standard error; with ``--json`` standard output contains one JSON
document only.
"""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from rich.console import Console
from rich.table import Table

from api.commands import Progress, silent
from api.files.documents import jsonable
from geo.errors import FileError, WanggeError
from geo.texts import Text

#: Exit codes: fine, the data have findings, wrong use or unusable input.
FINE, FINDINGS, WRONG_USE = 0, 1, 2

#: Width of tables if standard output is not a terminal; wide enough for bilingual headings.
_PLAIN_WIDTH = 132


class _CheckedOutput:
    """Standard output that raises errors of wangge; rich and click turn an OSError into exit code 1 or a traceback."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def _open(self) -> TextIO:
        if self._stream is None:  # the process was started without a standard output
            raise _lost(OSError(errno.EBADF, os.strerror(errno.EBADF)))
        return self._stream

    def write(self, text: str) -> int:
        try:
            return self._open().write(text)
        except OSError as error:
            raise _lost(error) from error

    def flush(self) -> None:
        try:
            if self._stream is not None:
                self._stream.flush()
        except OSError as error:
            raise _lost(error) from error

    def isatty(self) -> bool:
        return self._stream is not None and self._stream.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._open(), name)


class _LostOutputError(FileError):
    """Standard output cannot be written."""


def _lost(error: OSError) -> _LostOutputError:
    return _LostOutputError(f"standard output cannot be written ({error.strerror})")


@contextmanager
def checked_output() -> Iterator[None]:
    """Raise FileError if standard output cannot be written (disk full, reader closed), at the latest at the end of the block."""
    stream = sys.stdout
    checked = _CheckedOutput(stream)
    sys.stdout = cast(TextIO, checked)
    try:
        yield
        checked.flush()
    except _LostOutputError:
        # The rest of the buffer cannot be written either, not even when Python flushes it at exit.
        stream = cast(TextIO, None)
        raise
    finally:
        sys.stdout = stream


def fold_help() -> None:
    """Wrap long words of help texts.

    Typer truncates them with an ellipsis, and Chinese has no blanks to break at; rich does not strip the blank after a line of
    Chinese that just fits, and truncates a character instead. Lines may break between the Chinese and the English of a help text.
    """
    from rich.text import Text as StyledText
    from typer import rich_utils

    class Folding(rich_utils.OptionHighlighter):
        def __call__(self, text: str | StyledText) -> StyledText:
            made = super().__call__(re.sub("。(?=[A-Za-z])", "。 ", str(text)))
            made.overflow = "fold"
            return made

    rich_utils.highlighter = Folding()


def out() -> Console:
    """Console on standard output."""
    on_screen = sys.stdout.isatty()
    return Console(width=None if on_screen else _PLAIN_WIDTH, highlight=False, soft_wrap=not on_screen)


def say(text: str) -> None:
    """Print one line on standard error, so that standard output stays clean for pipes."""
    with suppress(OSError, AttributeError):  # nobody reads standard error
        print(text, file=sys.stderr, flush=True)


def fail(message: Text) -> None:
    """Print an error on standard error, in one line: first in Chinese, then in English."""
    say(f"错误 error: {_line(message)}")


def _line(message: Text) -> str:
    """Both sentences in one line."""
    zh, en = (" ".join(side.split()) for side in message)
    return f"{zh}{'' if zh.endswith(('。', '？', '！')) else '。'} {en}"


def error_text(error: WanggeError) -> Text:
    """The message of an error in both languages; names of arguments are replaced by command line options.

    >>> from geo.errors import InputError
    >>> error_text(InputError("no file given", give={"zone": "Asia/Shanghai"}))
    Text(zh='没有提供文件（--zone Asia/Shanghai）', en='no file given (--zone Asia/Shanghai)')
    """
    from api.translations import text_of

    text = text_of(error)
    if not error.give:
        return text
    options = ", ".join(f"--{name.replace('_', '-')} {_word(value)}" for name, value in error.give.items())
    return Text(f"{text.zh}（{options}）", f"{text.en} ({options})")


def usage_text(message: str) -> Text:
    """A message of the command line parser in both languages."""
    from api.translations import in_chinese

    return Text(f"{in_chinese(message)}（用法见 --help）", f"{message} (--help)")


def _word(value: object) -> str:
    """A value as it is written on the command line."""
    if isinstance(value, dict):
        return ",".join(f"{key}={one}" for key, one in value.items())
    return str(value)


@contextmanager
def notices() -> Iterator[None]:
    """Print notices (:class:`geo.notices.WanggeWarning`) on standard error, one line each, without repetition."""
    import warnings

    from geo.notices import WanggeWarning

    printed: set[str] = set()

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if not issubclass(category, WanggeWarning):
            usual(message, category, *where, **more)
        elif str(message) not in printed:
            printed.add(str(message))
            say(f"注意 notice: {_notice(str(message))}")

    with warnings.catch_warnings():
        warnings.simplefilter("always", WanggeWarning)
        usual, warnings.showwarning = warnings.showwarning, show
        yield


def _notice(message: str) -> str:
    """A notice in both languages; a notice that is already bilingual is unchanged."""
    from api.translations import in_chinese, known

    return _line(Text(in_chinese(message), message)) if known(message) else message


def emit_json(document: Any) -> None:
    """Write one JSON document to standard output."""
    json.dump(jsonable(document), sys.stdout, ensure_ascii=False, indent=2, allow_nan=False)
    sys.stdout.write("\n")


def table(title: str, headings: list[str], rows: list[list[str]], *, left: int = 1) -> Table:
    """Table whose first `left` columns are text and whose others are numbers."""
    made = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for position, heading in enumerate(headings):
        made.add_column(heading, justify="left" if position < left else "right", no_wrap=position > 0)
    for row in rows:
        made.add_row(*row)
    return made


class Steps:
    """Shows the progress of a command: called with a step and the completed share.

    Parameters
    ----------
    show, stop
        Draws the bar, and removes it; by default nothing is drawn.
    """

    def __init__(self, show: Progress = silent, stop: Callable[[], None] = lambda: None) -> None:
        self._show, self._stop = show, stop

    def __call__(self, step: str, done: float) -> None:
        """Show a step and the completed share."""
        self._show(step, done)

    def before(self, tell: Callable[[Any], None]) -> Callable[[Any], None]:
        """A function that removes the bar, and then tells a result."""

        def stop_and_tell(result: Any) -> None:
            self._stop()
            tell(result)

        return stop_and_tell


@contextmanager
def progress(*, quiet: bool) -> Iterator[Steps]:
    """Yield a callable ``(step, completed share)`` that draws a progress bar if standard error is a terminal.

    The bar must be removed before something is printed within the block: :meth:`Steps.before`.
    """
    if quiet or not sys.stderr.isatty():
        yield Steps()
        return
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=1.0)
        yield Steps(lambda step, done: bars.update(task, description=step, completed=done), bars.stop)
