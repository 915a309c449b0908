"""HTML from values: all text is escaped, markup is what these functions made."""

import html
import json
import math
import re
from collections.abc import Iterable
from typing import Any

# what a log may hold and no HTML text may: all control characters but tab and line feed
_CONTROLS = re.compile('[\x00-\x08\x0b-\x1f\x7f-\x9f]')


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def element(name: str, /, *children: str, **attributes: object) -> Html:
    """One element; `class_` is class, `_` in other attributes is `-`; True is a bare attribute, None and False none."""
    told = ''.join(_attribute(key, value) for key, value in attributes.items())
    return Html(f'<{name}{told}>{joined(children)}</{name}>')


def void(name: str, /, **attributes: object) -> Html:
    """An element that never has an end tag: img, input, meta."""
    return Html(f'<{name}{"".join(_attribute(key, value) for key, value in attributes.items())}>')


def joined(parts: Iterable[str]) -> Html:
    return Html(''.join(part if isinstance(part, Html) else escaped(part) for part in parts))


def escaped(text: str) -> Html:
    return Html(html.escape(_CONTROLS.sub('', text).encode('utf-8', 'replace').decode()))


def breakable(text: str) -> Html:
    """A name that may be broken behind its underscores, where there is no room for it."""
    return Html(escaped(text).replace('_', '_<wbr>'))


def data_block(key: str, values: Any) -> Html:
    """Values for a script, which no text in them can end; numbers that JSON does not have are null."""
    text = json.dumps(_finite(values), allow_nan=False, separators=(',', ':')).replace('<', '\\u003c')
    return Html(f'<script type="application/json" id="{escaped(key)}">{text}</script>')


def section(key: str, title: str, *children: str) -> Html:
    """A part of the page that has a heading and can be linked to."""
    heading = element('h2', title, id=f'{key}-title')
    return element('section', heading, *children, id=key, aria_labelledby=f'{key}-title')


def folded(summary: str, *children: str, is_open: bool = False) -> Html:
    """A long part that is seen on request."""
    return element('details', element('summary', summary), *children, open=is_open)


def listed(lines: Iterable[str], **attributes: object) -> Html:
    return element('ul', *(element('li', line) for line in lines), **attributes)


def _attribute(key: str, value: object) -> str:
    if value is None or value is False:
        return ''
    name = key.rstrip('_').replace('_', '-')
    return f' {name}' if value is True else f' {name}="{escaped(str(value))}"'


def _finite(values: Any) -> Any:
    if isinstance(values, dict):
        return {str(key): _finite(value) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [_finite(value) for value in values]
    return None if isinstance(values, float) and not math.isfinite(values) else values
