"""Finds texts of a page that are not in the language of the page."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

_HAN = re.compile("[\u3400-\u9fff]")
#: Three words in a row are a sentence; names of programs, units and codes are shorter.
_SENTENCE = re.compile(r"[A-Za-z]{2,}(?:[ ,]+[A-Za-z'-]+){2,}")
#: Visible texts of the page, choices and labels included, each with the language in which it is marked.
_TEXTS = """() => {
  document.querySelectorAll("details").forEach((one) => { one.open = true; });
  const found = [], skipped = ["SCRIPT", "STYLE", "TEMPLATE", "NOSCRIPT"];
  const seen = (element) => element.checkVisibility({ visibilityProperty: true });
  const marked = (element) => element.closest("[lang]")?.lang ?? "";
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
    if (!text || skipped.includes(element.tagName)) continue;
    const shown = element.tagName === "OPTION" ? element.closest("select, datalist") : element;
    if (shown.tagName === "DATALIST" || seen(shown)) found.push([text, marked(element)]);
  }
  for (const name of ["aria-label", "title", "placeholder", "alt"])
    for (const element of document.querySelectorAll(`[${name}]`))
      if (seen(element) && element.getAttribute(name)) found.push([element.getAttribute(name), marked(element)]);
  return found;
}"""


def misplaced_texts(page: Any, *, names: Collection[str] = ()) -> list[str]:
    """Texts in another language than the page, and texts with words of both.

    On an English page a Chinese text is allowed where it is marked as such: what people wrote, and names. On a Chinese page no
    English sentence is.

    Parameters
    ----------
    names
        Chinese names that an English page may show without a mark, such as the matters of a map.
    """
    english = page.evaluate("document.documentElement.lang") == "en"
    wrong = []
    for text, language in page.evaluate(_TEXTS):
        plain = text
        for name in names:
            plain = plain.replace(name, "")
        chinese, sentence = bool(_HAN.search(plain)), bool(_SENTENCE.search(plain))
        if (
            (english and chinese and not language.startswith("zh"))
            or (not english and sentence)
            or (chinese and sentence)
        ):
            wrong.append(text)
    return wrong
