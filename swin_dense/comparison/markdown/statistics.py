"""What was measured of quality, and what follows from it: groups are told one after the other, never in one table."""

from collections.abc import Callable, Sequence

from swin_dense.comparison.html.groups import Named, score_words
from swin_dense.comparison.html.numerals import (
    deviation,
    interval_text,
    is_known,
    mean,
    mean_and_deviation,
    percent,
    probability,
)
from swin_dense.comparison.markdown.text import Column, code, listed, plain, table
from swin_dense.comparison.results import Comparison, ScoreTable
from swin_dense.comparison.verdicts import NOT_DISTINGUISHABLE, Verdict
from swin_dense.comparison.wording import METHOD, by_score, headline_verdicts, score_digits

SIZES = ('_s', '_m', '_l')
_MANY_ROWS = 20
NO_RANKING = 'Groups have other tasks, recipes or data, and are never ranked together.'


def conclusions(groups: Sequence[Named]) -> list[str]:
    """Blocks of the first section."""
    if not groups:
        return ['## What can be concluded', 'Nothing: no run has results.']
    blocks = ['## What can be concluded', METHOD, *([NO_RANKING] if len(groups) > 1 else [])]
    tasks = [named.group.task for named in groups]
    for named in groups:
        told = f'Recipe {code(named.group.recipe)}, data {code(named.group.data)}.'
        is_one_of_several = tasks.count(named.group.task) > 1
        blocks += [f'### {plain(named.title)}', *([told] if is_one_of_several else []), *_headline(named)]
    return blocks


def differences(comparison: Comparison) -> list[str]:
    """What a reader must know before trusting a number."""
    blocks = ['## What differs, and what to know']
    if comparison.allowed:
        blocks += ['Apart from the backbone, these settings differ between the models, by `--allow`:']
        blocks += [listed(comparison.allowed)]
    else:
        blocks += ['Within a group nothing but the backbone, and what follows from it, was allowed to differ.']
    return [*blocks, *(['Notes:', listed(comparison.notes)] if comparison.notes else [])]


def all_scores(groups: Sequence[Named]) -> list[str]:
    """Every score with its interval."""
    blocks = ['## All scores', 'Mean ± standard deviation over seeds (95 % interval), in percent.']
    for named in groups:
        group = named.group
        rows = [
            [plain(score_words(each.score)), *(_scored(each, name) for name in group.models)] for each in group.scores
        ]
        blocks += [f'### {plain(named.title)}: scores', table([Column('Score', False), *_models(named)], rows)]
    return blocks if groups else []


def verdict_tables(groups: Sequence[Named]) -> list[str]:
    """All pairs of models, on the headline score."""
    shown = [(named, named.headline) for named in groups if named.headline is not None and named.headline.verdicts]
    if not shown:
        return []
    blocks = [
        '## Pairs of models',
        'The difference is the first model minus the second, in points of percent; p is corrected by Holm over all '
        'pairs of the table.',
    ]
    for named, headline in shown:
        blocks += [f'### {plain(named.title)}: pairs, {plain(score_words(headline.score))}', _verdict_table([headline])]
    return blocks


def sizes_and_classes(groups: Sequence[Named]) -> list[str]:
    """Where the models differ; of classes also the pairs that can be told apart."""
    blocks = []
    for named in groups:
        sizes = [each for each in named.group.scores if each.score.endswith(SIZES)]
        classes = named.group.class_scores
        if sizes:
            blocks += [f'### {plain(named.title)}: by size of objects', _means_table(named, sizes, 'Size')]
        if classes:
            means = _means_table(named, classes, 'Class')
            blocks += [f'### {plain(named.title)}: by class', _folded(means, len(classes), 'Scores by class')]
            blocks += _class_verdicts(classes)
    if not blocks:
        return []
    about = 'Means over seeds in percent; in brackets, how far a model is from the mean of the models of the row.'
    return ['## Sizes and classes', about, *blocks]


def _headline(named: Named) -> list[str]:
    headline = named.headline
    if headline is None:
        return ['No score is defined for all runs.']
    digits, order = score_digits(headline), by_score(headline)
    rows = [
        [
            plain(name),
            percent(mean(headline.seeds[name]), digits),
            percent(deviation(headline.seeds[name]), digits),
            interval_text(headline.intervals[name], digits),
            str(len(headline.seeds[name])),
        ]
        for name in order
    ]
    words = plain(score_words(headline.score))
    columns = [Column('Model', False), *map(Column, (words, '± sd', '95 % interval', 'seeds'))]
    tested = f' on {named.group.num_images} test images' if named.group.num_images else ''
    reasons = dict.fromkeys(verdict.reason for verdict in headline.verdicts if verdict.reason)
    said = [*headline_verdicts(headline, order), *(f'No verdict where {reason}.' for reason in reasons)]
    return [f'{words}{tested}:', table(columns, rows), *([listed(said)] if said else [])]


def _scored(table_: ScoreTable, name: str) -> str:
    digits, values, interval = score_digits(table_), table_.seeds[name], table_.intervals[name]
    text = mean_and_deviation(values, digits)
    return f'{text} ({interval_text(interval, digits)})' if is_known(interval.low) else text


def _verdict_table(tables: Sequence[ScoreTable]) -> str:
    """The column of scores only where there are several, that of reasons only where there is one."""
    pairs = [(each, verdict) for each in tables for verdict in each.verdicts]
    optional: list[tuple[Column, Callable[[ScoreTable, Verdict], str]]] = []
    if len(tables) > 1:
        optional.append((Column('Score', False), lambda each, _: plain(score_words(each.score))))
    reasons: list[tuple[Column, Callable[[ScoreTable, Verdict], str]]] = []
    if any(verdict.reason for _, verdict in pairs):
        reasons.append((Column('Why nothing can be said', False), lambda _, verdict: plain(verdict.reason)))
    columns: list[tuple[Column, Callable[[ScoreTable, Verdict], str]]] = [
        *optional,
        (Column('First', False), lambda _, verdict: plain(verdict.first)),
        (Column('The first is', False), lambda _, verdict: verdict.word),
        (Column('Second', False), lambda _, verdict: plain(verdict.second)),
        (
            Column('Difference'),
            lambda each, verdict: percent(verdict.difference.estimate, score_digits(each), signed=True),
        ),
        (
            Column('95 % interval'),
            lambda each, verdict: interval_text(verdict.difference, score_digits(each), signed=True),
        ),
        (Column('Corrected p'), lambda _, verdict: probability(verdict.corrected_p).replace('<', r'\<')),
        *reasons,
    ]
    rows = [[cell(each, verdict) for _, cell in columns] for each, verdict in pairs]
    return table([column for column, _ in columns], rows)


def _means_table(named: Named, tables: Sequence[ScoreTable], head: str) -> str:
    rows = []
    for each in tables:
        means = {name: mean(each.seeds[name]) for name in named.group.models}
        middle = mean([value for value in means.values() if is_known(value)])
        rows.append([plain(score_words(each.score)), *(_away(value, middle) for value in means.values())])
    return table([Column(head, False), *_models(named)], rows)


def _away(value: float, middle: float) -> str:
    return percent(value) + (f' ({percent(value - middle, signed=True)})' if is_known(value) else '')


def _class_verdicts(tables: Sequence[ScoreTable]) -> list[str]:
    pairs = [(each, verdict) for each in tables for verdict in each.verdicts]
    told = sum(verdict.word != NOT_DISTINGUISHABLE for _, verdict in pairs)
    if not pairs:
        return []
    lead = (
        f'Of {len(pairs)} pairs of models and classes, {told} can be told apart, with p corrected over all pairs of '
        'all classes of a kind.'
    )
    shown = [
        ScoreTable(
            score=each.score,
            seeds=each.seeds,
            intervals=each.intervals,
            verdicts=[verdict for verdict in each.verdicts if verdict.word != NOT_DISTINGUISHABLE],
        )
        for each in tables
    ]
    return [lead, *([_folded(_verdict_table(shown), told, 'Pairs that can be told apart')] if told else [])]


def _folded(text: str, rows: int, summary: str) -> str:
    """Long tables are seen on request."""
    if rows <= _MANY_ROWS:
        return text
    return f'<details><summary>{summary}</summary>\n\n{text}\n\n</details>'


def _models(named: Named) -> list[Column]:
    return [Column(plain(name)) for name in named.group.models]
