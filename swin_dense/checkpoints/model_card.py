"""The model card of published weights: what they are, how they were made, how good they are."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from swin_dense.checkpoints.identification import Identity, training_facts
from swin_dense.checkpoints.zoo import PublishedWeights, zoo

_SHOWN_CLASSES = 20


def model_card(weights: Identity, config: str, results: Mapping[str, Any] | None) -> str:
    """The text of the card, in Markdown.

    Args:
        weights: the published file.
        config: text of the config of the training, '' if it is not known.
        results: what `tools/test.py --out` wrote; None if nothing was measured.
    """
    name = Path(weights.source).stem
    parts = [
        f'# {name}',
        _table(_facts(weights, config)),
        '## Results',
        *_results(results),
        '## Use',
        _use(name, config),
    ]
    if config:
        parts += ['## Config', f'```python\n{config.strip()}\n```']
    return '\n\n'.join(parts) + '\n'


def _table(rows: Iterator[tuple[str, str]]) -> str:
    return '\n'.join(['| | |', '|---|---|', *(f'| {label} | {text} |' for label, text in rows)])


def _facts(weights: Identity, config: str) -> Iterator[tuple[str, str]]:
    yield 'file', f'`{Path(weights.source).name}`, {weights.size / 1e6:.1f} MB, sha256 `{weights.sha256}`'
    yield 'backbone', f'{weights.architecture or "not one of swin_dense"}, {weights.parameters:,} parameters'
    if weights.around:
        yield 'neck and heads', f'{weights.around} tensors'
    if weights.num_classes is not None or weights.classes:
        number = weights.num_classes or len(weights.classes)
        shown = ', '.join(weights.classes[:_SHOWN_CLASSES]) + (', ...' if len(weights.classes) > _SHOWN_CLASSES else '')
        yield 'classes', f'{number}: {shown or "without names"}'
    yield 'training', ', '.join(training_facts(weights.meta)) or 'not stated in the checkpoint'
    for start in _starts(config):
        yield 'started from', str(start)
    yield (
        'licence',
        'not stated: fill in; that of the weights it started from may bind' if config else 'not stated: fill in',
    )


def _starts(config: str) -> list[PublishedWeights]:
    """Published weights that a config names."""
    return [
        weights
        for weights in zoo().values()
        if f"'{weights.name}'" in config or any(f"'{file.url}'" in config for file in weights.files)
    ]


def _results(results: Mapping[str, Any] | None) -> Iterator[str]:
    if results is None:
        yield 'Not measured.'
        return
    metrics = [(metric, value) for metric, value in results['metrics'].items() if metric not in ('time', 'data_time')]
    yield '\n'.join(
        ['| metric | value |', '|---|---|', *(f'| {metric} | {_number(value)} |' for metric, value in metrics)]
    )
    protocol = ', '.join(f'{key} {value}' for key, value in results['protocol'].items())
    versions = ', '.join(f'{library} {version}' for library, version in results['versions'].items())
    yield f'Measured on {results["date"]} with weights {results["weights"]}: {protocol}; {versions}.'


def _number(value: Any) -> str:
    return f'{value:.4g}' if isinstance(value, float) else str(value)


def _use(name: str, config: str) -> str:
    command = f'```\npython tools/test.py {name}.py {name}.safetensors\n```\n\n' if config else ''
    return (
        f'{command}```python\nfrom swin_dense.checkpoints import load_pretrained\n\n'
        f"load_pretrained(backbone, '{name}.safetensors')\n```"
    )
