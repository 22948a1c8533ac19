"""Descriptions of log entries in Chinese and English."""

from __future__ import annotations

from collections.abc import Sequence

from geo.redraw import edits as kinds
from geo.redraw.edits import Edit

Words = dict[str, str]

#: Description of each kind of edit; {} is the code of its cell.
_NAMES: dict[type[Edit], tuple[str, str]] = {
    kinds.MoveVertex: ("移动折点", "vertex moved"),
    kinds.InsertVertex: ("增加折点", "vertex inserted"),
    kinds.RemoveVertex: ("删除折点", "vertex removed"),
    kinds.SlideNode: ("滑动结点", "node moved along a border"),
    kinds.Reshape: ("重画边界", "border redrawn"),
    kinds.Split: ("分割网格 {}", "cell {} split"),
    kinds.Merge: ("合并网格 {}", "cells {} merged"),
    kinds.Transfer: ("划转网格 {}", "cells {} transferred"),
    kinds.Redivide: ("重新划分 {}", "{} divided anew"),
    kinds.Rename: ("更名 {}", "{} renamed"),
    kinds.Recode: ("改编码 {}", "{} recoded"),
    kinds.SetLeader: ("更换格长 {}", "leader of {} changed"),
    kinds.Lock: ("锁定 {}", "{} locked"),
    kinds.Unlock: ("解锁 {}", "{} unlocked"),
    kinds.LockOutline: ("锁定外轮廓", "outline locked"),
    kinds.UnlockOutline: ("解锁外轮廓", "outline unlocked"),
    kinds.Comment: ("批注", "comment"),
}

_ENTRIES: dict[str, tuple[str, str]] = {
    "undo": ("撤销：{}", "undone: {}"),
    "redo": ("重做：{}", "redone: {}"),
    "comment": ("批注", "comment"),
    "reply": ("回复批注", "reply to a comment"),
    "resolve": ("处理批注", "comment resolved"),
    "review": ("提交审核", "sent to review"),
    "reopen": ("退回修改", "sent back"),
    "publish": ("发布", "published"),
}


def words_of_edits(edits: Sequence[Edit]) -> Words:
    """Description of a transaction: its first edit, and the number of further ones.

    >>> words_of_edits([kinds.Rename("320113003001", "东井村")])
    {'zh': '更名 320113003001', 'en': '320113003001 renamed'}
    """
    first = edits[0]
    codes = getattr(first, "codes", None) or (getattr(first, "code", ""),)
    listed = ", ".join(codes[:3]) + (f" +{len(codes) - 3}" if len(codes) > 3 else "")
    zh, en = (text.format(listed) for text in _NAMES[type(first)])
    more = len(edits) - 1
    return {"zh": zh + (f" 等 {more + 1} 项" if more else ""), "en": en + (f" and {more} more" if more else "")}


def words_of_entry(kind: str, about: Words | None) -> Words:
    """Description of an entry other than an edit; `about` describes the entry that it refers to.

    >>> words_of_entry("undo", {"zh": "移动折点", "en": "vertex moved"})["en"]
    'undone: vertex moved'
    """
    zh, en = _ENTRIES[kind]
    about = about or {"zh": "", "en": ""}
    return {"zh": zh.format(about["zh"]), "en": en.format(about["en"])}
