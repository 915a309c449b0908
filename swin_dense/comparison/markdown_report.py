"""`report.md`: what a comparison found, for GitHub and for a terminal."""

from pathlib import Path

from swin_dense.comparison.html.groups import named_groups
from swin_dense.comparison.markdown import facts, statistics
from swin_dense.comparison.markdown.text import link, plain
from swin_dense.comparison.results import Comparison
from swin_dense.engine.atomic import write_text


def write_markdown(comparison: Comparison, path: Path) -> None:
    """Replace `path`. Pictures and folders are named from its folder, so that it can be moved with them."""
    groups = named_groups(comparison)
    blocks = [
        f'# {plain(comparison.title)}',
        _about(comparison, Path(path)),
        *statistics.conclusions(groups),
        *statistics.differences(comparison),
        *statistics.all_scores(groups),
        *statistics.verdict_tables(groups),
        *facts.costs(comparison, groups),
        *statistics.sizes_and_classes(groups),
        *facts.pictures(comparison.pictures, Path(path).parent),
        *facts.runs(comparison, Path(path).parent),
        *facts.published(comparison.published),
        *facts.provenance(comparison, groups),
    ]
    write_text(path, '\n\n'.join(block for block in blocks if block) + '\n')


def _about(comparison: Comparison, path: Path) -> str:
    runs = comparison.runs
    finished = sum(run.state == 'finished' for run in runs)
    models = len({run.name for run in runs})
    page = path.with_suffix('.html')
    return (
        f'{plain(comparison.date)}: {models} models, {finished} of {len(runs)} runs finished. Learning curves, '
        f'plots and sortable tables are in [{plain(page.name)}]({link(page, path.parent)}).'
    )
