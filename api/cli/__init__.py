"""The command ``wangge``: verbs that do one thing and can be piped.

One module per verb. Exit codes: 0 fine, 1 the data have findings, 2 wrong use, unusable input, or output that could not
be written. Errors of wangge (:class:`geo.errors.WanggeError`) are printed in one line, in Chinese and then in English, without a
traceback.

Slow libraries are imported inside the commands, so that ``wangge --help`` starts fast.
"""

from __future__ import annotations

import importlib
import sys

import typer

from api.cli.console import WRONG_USE, checked_output, error_text, fail, fold_help, notices, usage_text
from api.cli.plain_values import convert_plain_values
from api.deployment.compiled import use_installed_kernels
from api.deployment.ending import leave
from geo.errors import WanggeError
from geo.texts import Text

# Typer before 0.20 raises click's usage errors, later versions their own copy; both are base classes of BadParameter.
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]

#: Module of each verb, in the order of the help.
_VERBS = {
    "demo": "demonstration.demo",
    "check": "check",
    "repair": "repair",
    "divide": "divide",
    "locate": "locate",
    "patrols": "patrols",
    "incidents": "incidents",
    "convert": "convert",
    "serve": "administration.serve",
    "kit": "administration.kit",
}

#: Module of each group of verbs.
_GROUPS = {
    "map": "maps",
    "redraw": "redraw",
    "duty": "duty",
    "db": "administration.database",
    "user": "administration.users",
    "device": "administration.devices",
}


def application(verb: str | None = None) -> typer.Typer:
    """The command line.

    Parameters
    ----------
    verb
        Verb or group to be used; only this one is loaded, because typer examines the options of all verbs that it knows. All are
        loaded by default, and if there is no such verb.
    """
    app = typer.Typer(
        name="wangge",
        help="网格：把街道划成三级网格，证明全覆盖、不重叠，并说明每个网格里发生了什么。\n\n"
        "Divide a street into three nested levels of grid, prove the cover, and say what happens in every grid.",
        add_completion=False,
        pretty_exceptions_enable=False,
        no_args_is_help=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_top)
    some = [verb] if verb in {**_VERBS, **_GROUPS} else [*_VERBS, *_GROUPS]
    for name in some:
        module = importlib.import_module(f"api.cli.{(_VERBS | _GROUPS)[name]}")
        if name in _VERBS:
            app.command(name)(module.run)
        else:
            app.add_typer(module.app, name=name)
    return app


def _top(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="显示版本号。Show the version and stop."),
) -> None:
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"wangge {installed('wangge')}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(WRONG_USE)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its exit code.

    Parameters
    ----------
    arguments
        Words after ``wangge``; by default those of the process.
    """
    use_installed_kernels()
    leave(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    convert_plain_values()
    if not words or {"-h", "--help"} & set(words):
        fold_help()
    try:
        with notices(), checked_output():
            app = application(next((word for word in words if not word.startswith("-")), None))
            code = app(args=arguments, prog_name="wangge", standalone_mode=False)
    except WanggeError as error:
        fail(error_text(error))
        return WRONG_USE
    except _UsageError as error:
        message = getattr(error, "format_message", error.__str__)()
        fail(usage_text(message))
        return WRONG_USE
    except MemoryError:
        fail(Text("内存不足；请减少一次处理的文件或天数", "out of memory; work on fewer files or days at one time"))
        return WRONG_USE
    except OSError as error:
        fail(_system_text(error))
        return WRONG_USE
    except (typer.Abort, KeyboardInterrupt):
        fail(Text("操作已中断", "interrupted"))
        return 130
    return code if isinstance(code, int) else 0


def _system_text(error: OSError) -> Text:
    """Message of an operating system error, in both languages."""
    from api.translations import phrase_in_chinese

    reason = str(error.strerror or error)
    name = error.filename or "output"
    chinese_name = error.filename or "输出"
    return Text(
        f"{chinese_name}：{phrase_in_chinese(reason)}；请腾出空间，或写到其他位置",
        f"{name}: {reason}; free space, or write to another place",
    )
