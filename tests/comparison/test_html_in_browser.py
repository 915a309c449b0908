"""report.html in headless Chromium: what a browser complains of, asks the network for, and does when it is used."""

from statistics import fmean

import pytest

from swin_dense.comparison.html_report import write_html
from tests.comparison.headless_browser import VARIABLE, browser_page, found_browser
from tests.comparison.made_comparison import ODD_NAME, made_comparison

BROWSER = found_browser()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason=f'no Chromium in the path; {VARIABLE} names another place'),
]
TABLE = '#group-0-headline'
VERDICTS = '#group-0-verdicts'


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp('report')
    comparison = made_comparison(folder)
    write_html(comparison, folder / 'report.html')
    return comparison, folder / 'report.html'


@pytest.fixture(scope='module')
def browser(tmp_path_factory):
    with browser_page(BROWSER, tmp_path_factory.mktemp('profile')) as page:
        yield page


@pytest.fixture
def page(browser, made):
    """The report, opened anew; what it did wrong while it was used is told at the end."""
    browser.complaints.clear()
    browser.requests.clear()
    browser.resize(1280, 900)
    browser.open(made[1].as_uri())
    browser.wait(lambda: drawn(browser) == browser.evaluate("document.querySelectorAll('.plot').length"), 'plots')
    yield browser
    assert browser.complaints == []
    assert {address.partition(':')[0] for address in browser.requests} <= {'file', 'data'}
    assert [address for address in browser.requests if address.startswith('file:')] == [made[1].as_uri()]


def drawn(page):
    return page.evaluate("[...document.querySelectorAll('.plot')].filter((div) => div.querySelector('svg')).length")


def column(page, table, place):
    """Texts of a column in the order shown, without hidden rows."""
    return page.evaluate(
        f"[...document.querySelectorAll('{table} tbody tr')].filter((row) => row.getClientRects().length)"
        f'.map((row) => row.cells[{place}].textContent)'
    )


def sorts(page, table):
    return page.evaluate(
        f"[...document.querySelectorAll('{table} thead th')].map((cell) => cell.getAttribute('aria-sort'))"
    )


def means(made):
    return {name: fmean(values) for name, values in made[0].groups[0].scores[0].seeds.items()}


def test_complaints_and_requests_are_noticed(browser, tmp_path):
    """Otherwise the assertions at the end of the fixture `page` would say nothing."""
    (tmp_path / 'bad.html').write_text(
        "<script>console.error('wrong'); fetch('http://127.0.0.1:9/x').catch(() => 0); missing()</script>"
    )
    browser.complaints.clear()
    browser.requests.clear()
    browser.open((tmp_path / 'bad.html').as_uri())
    browser.wait(lambda: browser.evaluate('0') == 0 and len(browser.complaints) >= 2, 'complaints')
    assert any('wrong' in told for told in browser.complaints)
    assert any('missing is not defined' in told for told in browser.complaints)
    assert 'http://127.0.0.1:9/x' in browser.requests


def test_policy_blocks_the_network_and_other_scripts(page):
    blocked = page.evaluate("fetch('http://127.0.0.1:9/x').then(() => 'loaded', (error) => error.name)")
    assert blocked == 'TypeError'
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'foreign = 1'}))")
    assert page.evaluate('typeof foreign') == 'undefined'
    page.wait(lambda: page.evaluate('0') == 0 and len(page.complaints) >= 2, 'both complaints of the policy')
    assert all('Content Security Policy' in told for told in page.complaints)
    page.complaints.clear()
    page.requests[:] = [address for address in page.requests if not address.startswith('http:')]


def test_clicks_sort_rows_up_and_down(page, made):
    rising = sorted(means(made), key=means(made).get)
    page.click(f'{TABLE} thead th:nth-child(2) button')
    assert column(page, TABLE, 0) == rising
    assert sorts(page, TABLE) == [None, 'ascending', None, None, None, None]
    page.click(f'{TABLE} thead th:nth-child(2) button')
    assert column(page, TABLE, 0) == rising[::-1]
    assert sorts(page, TABLE) == [None, 'descending', None, None, None, None]
    page.click(f'{TABLE} thead th:nth-child(1) button')
    assert column(page, TABLE, 0) == sorted(means(made))
    assert sorts(page, TABLE) == ['ascending', None, None, None, None, None]


def test_keys_sort_rows(page, made):
    page.evaluate(f"document.querySelector('{TABLE} thead button').focus()")
    page.press('Tab', 9)
    page.press('Enter', 13, '\r')
    assert column(page, TABLE, 0) == sorted(means(made), key=means(made).get)
    page.press(' ', 32, ' ')
    assert column(page, TABLE, 0) == sorted(means(made), key=means(made).get)[::-1]
    assert page.evaluate("document.querySelector('[role=status]').textContent") == 'Sorted by box mAP, descending'
    assert page.evaluate('getComputedStyle(document.activeElement).outlineStyle') == 'solid'


def test_unknown_values_stay_at_the_end(page):
    headings = page.evaluate(
        "[...document.querySelectorAll('#group-1-costs thead th')].map((cell) => cell.textContent)"
    )
    place = headings.index('Latency p50 (ms)')
    for _ in range(2):
        page.click(f'#group-1-costs thead th:nth-child({place + 1}) button')
        assert column(page, '#group-1-costs', 0)[-1] == 'upernet_resnet'


def test_filter_hides_rows(page):
    everything = column(page, VERDICTS, 0)
    page.click(f'{VERDICTS}-filter')
    page.type('worse')
    assert column(page, VERDICTS, 6) == ['worse']
    assert (
        page.evaluate(f'document.querySelector(\'output[for="{VERDICTS[1:]}-filter"]\').textContent') == '1 of 6 rows'
    )
    for _ in 'worse':
        page.press('Backspace', 8)
    assert column(page, VERDICTS, 0) == everything


def test_a_point_tells_all_of_its_model_when_hovered(page, made):
    plot = '#group-0-macs'
    names = page.evaluate(f"[...document.querySelector('{plot}').data].map((trace) => trace.name)")
    place = [name for name in names if name != 'Pareto front'].index('mask_rcnn_&lt;b&gt;&amp;"vit"')
    points = f"document.querySelectorAll('{plot} .scatterlayer .trace .points path')[{place}]"
    page.evaluate(f"{points}.id = 'hovered'")
    x, y = page.center('#hovered')
    page.move(x - 30, y - 30)

    def label():
        page.move(x, y)
        return page.evaluate(f"document.querySelector('{plot} .hoverlayer')?.textContent")

    text = page.wait(label, 'the label of a point')
    assert ODD_NAME in text
    assert f'{100 * means(made)[ODD_NAME]:.1f} ± ' in text
    assert 'MACs (G): 1.55' in text
    assert '95 % interval' in text


def test_curves_of_the_quantity_that_is_chosen(page, made):
    curves = [curve for curve in made[0].curves if curve.model.startswith('mask')]
    for quantity in ('loss', 'coco/bbox_mAP'):
        page.evaluate(
            f"{{const select = document.querySelector('#group-0-quantity'); select.value = '{quantity}';"
            "select.dispatchEvent(new Event('change'))}"
        )
        shown = page.evaluate("document.querySelector('#group-0-curves').data.map((trace) => [...trace.y])")
        expected = [list(curve.values) for curve in curves if curve.quantity == quantity]
        assert shown == [[None if value != value else value for value in values] for values in expected]
        looks = page.evaluate(
            "document.querySelector('#group-0-curves').data.map("
            '(trace) => [trace.name, trace.line.dash, trace.marker.symbol, trace.line.color])'
        )
        models = {look[0] for look in looks}
        for place in (1, 2, 3):
            assert len({look[place] for look in looks}) == len(models) == 4


def test_pictures_are_seen(page, made):
    widths = page.evaluate('[...document.images].map((image) => image.complete && image.naturalWidth)')
    assert len(widths) == sum(len(row.pictures) for row in made[0].pictures)
    assert all(width > 0 for width in widths)


@pytest.mark.parametrize('scheme', ['light', 'dark'])
@pytest.mark.parametrize('width', [390, 1280])
def test_the_page_never_scrolls_sideways(page, width, scheme):
    page.prefer(prefers_color_scheme=scheme)
    page.resize(width, 844)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    fits = 'document.documentElement.scrollWidth <= window.innerWidth'
    ends = "[...document.querySelectorAll('.plot svg')].map((svg) => svg.getBoundingClientRect().right)"
    plots = f'{ends}.every((end) => end <= window.innerWidth)'
    page.wait(lambda: page.evaluate(f'{fits} && {plots}'), 'a page as wide as the window')
    page.prefer(prefers_color_scheme='light')


def test_dark_pages_have_dark_plots(page):
    page.prefer(prefers_color_scheme='light')
    ink = "getComputedStyle(document.querySelector('.plot .xtick text')).fill"
    light = page.evaluate(ink)
    page.prefer(prefers_color_scheme='dark')
    page.wait(lambda: page.evaluate(ink) != light, 'other colours')
    page.prefer(prefers_color_scheme='light')


def test_text_has_contrast(page):
    """WCAG AA: 4.5 to 1 of all text against what is behind it, in both schemes."""
    for scheme in ('light', 'dark'):
        page.prefer(prefers_color_scheme=scheme)
        poor = page.evaluate(CONTRAST)
        assert poor == [], scheme
    page.prefer(prefers_color_scheme='light')


CONTRAST = """
(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
  function mixed(colors) {  // painted over one another
    canvas.clearRect(0, 0, 1, 1);
    for (const color of colors) { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  }
  function luminance(rgb) {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
  const poor = [];
  document.querySelectorAll('details').forEach((each) => { each.open = true; });
  for (const element of document.body.querySelectorAll('*')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.closest('svg, script, style, option') || !element.getClientRects().length) continue;
    const behind = [];
    for (let each = element; each; each = each.parentElement) behind.unshift(getComputedStyle(each).backgroundColor);
    const ground = mixed(behind), text = mixed([...behind, getComputedStyle(element).color]);
    const [low, high] = [luminance(ground), luminance(text)].sort((one, other) => one - other);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) poor.push([element.tagName, element.className, element.textContent.slice(0, 40), ratio]);
  }
  return poor;
})()
"""
