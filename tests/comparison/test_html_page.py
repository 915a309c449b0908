"""How report.html is built: escaped, closed to the network, and in an order that screen readers follow."""

import base64
import hashlib
import io
import re
from collections import Counter
from itertools import pairwise

import pytest
from PIL import Image
from plotly.offline import get_plotlyjs

from swin_dense.comparison.html.markup import data_block, element
from swin_dense.comparison.html_report import write_html
from tests.comparison.made_comparison import ODD_NAME, made_comparison
from tests.comparison.parsed_page import parsed


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp('made')
    comparison = made_comparison(folder)
    write_html(comparison, folder / 'report.html')
    text = (folder / 'report.html').read_text(encoding='utf-8')
    return comparison, text, parsed(text)


def test_text_is_escaped_everywhere(made):
    _, text, page = made
    assert not list(page.all('b'))
    assert '<b>' not in text.replace(get_plotlyjs(), '')
    assert page.one('h1').text == 'Backbones of one budget <small & fair>'
    assert page.one('title').text == 'Backbones of one budget <small & fair>'
    assert any(cell.text == ODD_NAME for cell in page.all('th'))
    assert any(ODD_NAME in image.attributes['alt'] for image in page.all('img'))
    assert element('p', 'a\x1b[31m\x00b\ud800') == '<p>a[31mb?</p>'
    assert '</script' not in data_block('key', {'text': '</script><!--'})[:-9]


def test_nothing_is_loaded_from_anywhere(made):
    _, text, page = made
    for node in page.all():
        for name in ('src', 'href', 'action', 'poster', 'data', 'srcset', 'background'):
            value = node.attributes.get(name, '#')
            assert value.startswith(('data:image/', '#')), (node.tag, name, value)
        assert 'url(' not in node.attributes.get('style', '')
        assert node.tag not in ('link', 'iframe', 'object', 'embed', 'base')
    ours = text.replace(get_plotlyjs(), '')
    assert not re.search(r'@import|url\(|fetch\(|XMLHttpRequest|WebSocket', ours)


def test_policy_allows_the_scripts_of_the_page_and_no_other(made):
    _, _, page = made
    policy = page.one('meta', **{'http-equiv': 'Content-Security-Policy'}).attributes['content']
    rules = {words[0]: words[1:] for words in (rule.split() for rule in policy.split(';'))}
    scripts = [node.text for node in page.all('script') if 'type' not in node.attributes]
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert rules['script-src'] == [f"'sha256-{digest}'" for digest in digests]
    assert rules['default-src'] == ["'none'"]
    assert rules['img-src'] == ['data:']
    assert not any(handler.startswith('on') for node in page.all() for handler in node.attributes)


def test_pictures_are_whole_small_and_described(made):
    comparison, _, page = made
    images = list(page.all('img'))
    expected = [row.descriptions[label] for row in comparison.pictures for label in row.pictures]
    assert [image.attributes['alt'] for image in images] == expected
    for image in images:
        data = base64.b64decode(image.attributes['src'].partition('base64,')[2], validate=True)
        with Image.open(io.BytesIO(data)) as opened:
            opened.load()
            assert max(opened.size) <= 640
            assert opened.size == (int(image.attributes['width']), int(image.attributes['height']))


def test_structure_for_screen_readers(made):
    _, _, page = made
    ids = Counter(node.attributes['id'] for node in page.all() if 'id' in node.attributes)
    assert max(ids.values()) == 1
    assert page.one('html').attributes['lang'] == 'en'
    levels = [int(node.tag[1]) for node in page.all() if re.fullmatch('h[1-6]', node.tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for landmark in ('header', 'nav', 'main', 'footer'):
        page.one(landmark)
    labels = {label.attributes['for'] for label in page.all('label')}
    fields = [node.attributes['id'] for node in page.all() if node.tag in ('input', 'select')]
    assert fields
    assert labels == set(fields)
    for node in page.all('a'):
        assert ids[node.attributes['href'][1:]] == 1
    for table in page.all('table'):
        assert table.one('caption').text
        assert all(cell.attributes.get('scope') == 'col' for cell in table.one('thead').all('th'))
        assert all(cell.one('button').text for cell in table.one('thead').all('th'))
        assert all(cell.attributes.get('scope') == 'row' for cell in table.one('tbody').all('th'))
        assert all(next(row.all('th'), None) for row in table.one('tbody').all('tr'))


def test_order_of_sections(made):
    _, _, page = made
    sections = [node.attributes['id'] for node in page.one('main').all('section')]
    assert sections == [
        'conclusions',
        'differences',
        'scores',
        'verdicts',
        'costs',
        'trade-offs',
        'curves',
        'classes',
        'disagreements',
        'receptive-fields',
        'runs',
        'published',
        'provenance',
    ]
    assert [node.attributes['href'][1:] for node in page.one('nav').all('a')] == sections
