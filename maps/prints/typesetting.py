"""Compiles a Typst template with values to a PDF, and refuses every warning."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from geo.errors import ImpossibleError

#: Folder of the templates.
TEMPLATES = Path(__file__).resolve().parent / "templates"

#: Families by use, best first. GB/T 9704 asks for 仿宋, 黑体, 楷体 and 小标宋; if none is installed, Noto is used, which also
#: has the rare characters of names (堃, 喆) that the free 仿宋 fonts lack.
FAMILIES = {
    "body": ("FangSong_GB2312", "仿宋_GB2312", "FangSong", "仿宋", "FandolFang R", "Noto Serif CJK SC"),
    "heading": ("SimHei", "黑体", "Noto Sans CJK SC"),
    "kai": ("KaiTi_GB2312", "楷体_GB2312", "KaiTi", "楷体", "FandolKai", "Noto Serif CJK SC"),
    "title": ("FZXiaoBiaoSong-B05S", "方正小标宋简体", "Noto Serif CJK SC"),
    "sans": ("Noto Sans CJK SC",),
}
#: Families with all characters of names; the last one of each use.
NEEDED = ("Noto Serif CJK SC", "Noto Sans CJK SC")


def typeset(template: str, values: Mapping[str, Any]) -> bytes:
    """Compile a template to a PDF/A-2b.

    Parameters
    ----------
    template
        Name of the template, without ``.typ``.
    values
        Values of the template, as in JSON. `fonts` is added.

    Returns
    -------
    bytes
        The PDF. It contains no time or random number, so the same values and fonts give the same bytes.

    Raises
    ------
    ImpossibleError
        If a font is missing, or Typst cannot compile the template or warns.
    """
    pdf: bytes = _compiled(template, values)[0]
    return pdf


def typeset_fitting(
    template: str, values: Mapping[str, Any], sizes: Sequence[float], *, one_page: bool = False
) -> bytes:
    """Compile a template whose last lines must not be alone on a page, with the first size that satisfies this.

    Parameters
    ----------
    sizes
        Values of `fit`, a size in the template, in order of preference.
    one_page
        Only accept one page; no bytes are returned if it does not fit on one.

    Raises
    ------
    ImpossibleError
        As for :func:`typeset`, or if the last lines are alone on a page at every size.
    """
    for size in sizes:
        pdf, compiler = _compiled(template, {**values, "fit": size})
        last = _pages(compiler, "imprint")[-1]
        if (last == 1) if one_page else (last == _pages(compiler, "lastrow")[-1]):
            return bytes(pdf)
    if one_page:
        return b""
    raise ImpossibleError(f"{template}: the last lines stand on a page alone at every size that was tried")


def _pages(compiler: Any, label: str) -> list[int]:
    """Page numbers stored by a template: the values of its metadata with a label, in order."""
    return [int(value) for value in json.loads(compiler.query(f"<{label}>", field="value"))]


def _compiled(template: str, values: Mapping[str, Any]) -> tuple[bytes, Any]:
    import typst

    data = json.dumps({**values, "fonts": families()}, ensure_ascii=False, allow_nan=False, sort_keys=True)
    compiler = typst.Compiler(
        input=str(TEMPLATES / f"{template}.typ"),
        root=str(TEMPLATES),
        font_paths=_fonts(),
        sys_inputs={"data": data},
    )
    try:
        pdf, warnings = compiler.compile_with_warnings(format="pdf", pdf_standards="a-2b")
    except RuntimeError as error:
        raise ImpossibleError(f"{template}: the paper cannot be set: {str(error).strip().splitlines()[0]}") from error
    if warnings:
        raise ImpossibleError(f"{template}: the paper cannot be set as it should be: {warnings[0].message}")
    return bytes(pdf), compiler  # type: ignore[arg-type]


@cache
def families() -> dict[str, list[str]]:
    """The families of :data:`FAMILIES` that are installed, by use.

    Raises
    ------
    ImpossibleError
        If a required family is not installed.
    """
    installed = set(_fonts().families())
    if missing := [name for name in NEEDED if name not in installed]:
        raise ImpossibleError(
            f"papers need the font {missing[0]}, which is not installed: run 'apt install fonts-noto-cjk'"
        )
    return {use: [name for name in names if name in installed] for use, names in FAMILIES.items()}


@cache
def _fonts() -> Any:
    # Cached: searching the font folders takes 0.3 s.
    import typst

    return typst.Fonts(include_system_fonts=True)
