"""report.html: one file that opens offline, on a desk and on a phone, with a screen reader and without a script.

Everything is in it: style, scripts with plotly.js, numbers and pictures. Its content security policy lets no browser
ask the network for anything, and lets no script run but those that were written here: each is named by its digest.
"""

import base64
import hashlib
from importlib.resources import files
from pathlib import Path

from plotly.offline import get_plotlyjs

from swin_dense.comparison.html.class_tables import sizes_and_classes
from swin_dense.comparison.html.conclusions import conclusions, differences
from swin_dense.comparison.html.cost_tables import costs
from swin_dense.comparison.html.groups import named_groups
from swin_dense.comparison.html.markup import Html, element, void
from swin_dense.comparison.html.pictures import picture_sections
from swin_dense.comparison.html.plots import learning_curves, trade_offs
from swin_dense.comparison.html.run_tables import provenance, published, runs
from swin_dense.comparison.html.score_tables import scores, verdict_tables
from swin_dense.comparison.results import Comparison
from swin_dense.engine.atomic import write_text

_PARTS = files('swin_dense.comparison.html')
_NO_SCRIPT = '.sort{pointer-events:none}.sort::after{content:none}'


def write_html(comparison: Comparison, path: Path) -> None:
    """Write the report; an old one is replaced in one step."""
    write_text(path, html_page(comparison))


def html_page(comparison: Comparison) -> str:
    sections = _sections(comparison)
    scripts = [get_plotlyjs(), _part('tables.js'), _part('plots.js')]
    head = element(
        'head',
        void('meta', charset='utf-8'),
        void('meta', http_equiv='Content-Security-Policy', content=_policy(scripts)),
        void('meta', name='viewport', content='width=device-width, initial-scale=1'),
        void('meta', name='color-scheme', content='light dark'),
        element('title', comparison.title),
        element('style', Html(_part('report.css'))),
        element('noscript', element('style', Html(_NO_SCRIPT))),
    )
    body = element(
        'body',
        element('a', 'Skip to the conclusions', href='#main', class_='skip'),
        _header(comparison),
        element('nav', _contents(sections), aria_label='Contents'),
        element('main', *sections, id='main'),
        element('footer', element('p', f'Made by swin_dense on {comparison.date}.')),
        *(element('script', Html(script)) for script in scripts),
    )
    return f'<!DOCTYPE html>\n{element("html", head, body, lang="en")}\n'


def _sections(comparison: Comparison) -> list[Html]:
    """In the order in which a reader asks."""
    groups = named_groups(comparison)
    shown = [
        conclusions(groups),
        differences(comparison),
        scores(groups),
        verdict_tables(groups),
        costs(comparison, groups),
        trade_offs(comparison, groups),
        learning_curves(comparison, groups),
        sizes_and_classes(comparison, groups),
        *picture_sections(comparison.pictures),
        runs(comparison),
        published(comparison.published),
        provenance(comparison, groups),
    ]
    return [each for each in shown if each is not None]


def _header(comparison: Comparison) -> Html:
    finished = sum(run.state == 'finished' for run in comparison.runs)
    models = len({run.name for run in comparison.runs})
    told = f'{comparison.date} · {models} models · {finished} of {len(comparison.runs)} runs have results'
    return element('header', element('h1', comparison.title), element('p', told, class_='told'))


def _contents(sections: list[Html]) -> Html:
    """Links to sections, by their ids and headings."""
    links = []
    for each in sections:
        heading = each[each.index('<h2 id="') + len('<h2 id="') : each.index('</h2>')]
        key, title = heading.split('-title">')
        links.append(element('li', element('a', Html(title), href=f'#{key}')))
    return element('ul', *links)


def _part(name: str) -> str:
    return (_PARTS / name).read_text(encoding='utf-8')


def _policy(scripts: list[str]) -> str:
    """Styles may stand anywhere in the page, for plotly.js makes some as it draws."""
    digests = ' '.join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {digests}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
