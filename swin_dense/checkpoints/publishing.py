"""The work of `tools/publish.py`: the weights of a training checkpoint, to give away.

Three files with one name, which ends in the first digits of the weights' sha256: the weights, as safetensors with all
that is known of them in the header; the config of the training; a model card.
"""

import dataclasses
import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from swin_dense.checkpoints.architecture import recognise
from swin_dense.checkpoints.completeness import gaps
from swin_dense.checkpoints.digests import NUM_DIGITS, digest, without_digest
from swin_dense.checkpoints.download import local_file
from swin_dense.checkpoints.explanation import shapes
from swin_dense.checkpoints.files import read_checkpoint
from swin_dense.checkpoints.identification import identify
from swin_dense.checkpoints.layouts import State, detect_layout
from swin_dense.checkpoints.model_card import model_card
from swin_dense.checkpoints.report import some
from swin_dense.checkpoints.tensor_files import safetensors_bytes
from swin_dense.checkpoints.wrappers import unwrap
from swin_dense.engine.atomic import replacing, write_text
from swin_dense.engine.checkpoint_files import newest_checkpoint

AVERAGED, TRAINED = 'averaged (EMA)', 'as trained'  # as tools/test.py calls them
_ENTRIES = ('state_dict', 'model')
_AVERAGES = ('state_dict_ema', 'model_ema')
# of what a checkpoint says about itself; not the state of training, nor where it was done
_KEPT_META = ('epoch', 'iter', 'seed', 'world_size', 'config_hash', 'dataset_meta')
_PLACES = re.compile(r'^(work_dir|load_from|resume|experiment_name)\s*=.*\n?', re.MULTILINE)


def publish(
    checkpoint: str, *, out: str = '.', results: str | None = None, ema: bool | None = None, any_model: bool = False
) -> int:
    """Write the weights of `checkpoint`, a file or a work dir, to the folder `out`; gives the exit code.

    A model card or config of that name that says something else, edited perhaps, is refused and kept. A card without
    results gets those of `results`.

    Args:
        results: what `tools/test.py --out` wrote for this checkpoint, for the model card.
        ema: take the averaged weights (True) or those that were trained (False); None: those that tools/test.py takes.
        any_model: publish also what has no whole backbone of this package.
    """
    path = _checkpoint_file(checkpoint)
    content = read_checkpoint(path)
    state, kind = select_weights(content, ema, str(path))
    _refuse_non_finite(state)
    if not any_model:
        _refuse_unknown(state, str(path))
    meta = content.get('meta')
    meta = meta if isinstance(meta, Mapping) else {}
    config = _PLACES.sub('', str(meta.get('cfg') or meta.get('config') or ''))
    measured = _results(results, path, kind)
    data = safetensors_bytes(state, {**_kept(meta), 'weights': kind, 'cfg': config})
    name = f'{_stem(meta, path)}-{hashlib.sha256(data).hexdigest()[:NUM_DIGITS]}'
    weights = Path(out) / f'{name}.safetensors'
    with replacing(weights) as file:
        file.write(data)
        file.flush()
        identity = dataclasses.replace(identify(file.name), source=str(weights))
        texts = {weights.with_suffix('.md'): model_card(identity, config, measured)}
        if config:
            texts[weights.with_suffix('.py')] = config
        # while the weights have no name yet: what is refused leaves nothing
        _refuse_edited(texts, replaceable=model_card(identity, config, None))
    for file_of_text, text in texts.items():
        write_text(file_of_text, text)
    print(f'{weights} ({len(data) / 1e6:.1f} MB, {kind})\nmodel card: {weights.with_suffix(".md")}')
    return 0


def select_weights(content: Mapping[str, Any], ema: bool | None, source: str) -> tuple[State, str]:
    """The weights to publish, without wrappers around their names, and what they are."""
    state = next((content[entry] for entry in _ENTRIES if isinstance(content.get(entry), Mapping)), content)
    averages = next((content[entry] for entry in _AVERAGES if isinstance(content.get(entry), Mapping)), None)
    if (told := told_kind(content)) is not None:
        found = {told: state}
    elif isinstance(content.get('ema_state_dict'), Mapping):
        # mmengine exchanges them before it saves: what is named so are the trained weights, and state_dict the averages
        swapped = {name: value for name, value in content['ema_state_dict'].items() if name.startswith('module.')}
        found = {AVERAGED: state, TRAINED: swapped}
    else:
        found = {TRAINED: state, **({} if averages is None else {AVERAGED: averages})}
    kind = next(iter(found)) if ema is None else AVERAGED if ema else TRAINED
    if kind not in found:
        if ema:
            raise ValueError(
                f'--ema: {source} holds no averaged weights. Train with an EMAHook, or leave the option out.'
            )
        raise ValueError(f'--no-ema: {source} was published, and holds averaged weights alone. Leave the option out.')
    tensors = OrderedDict(
        (_bare(name), value) for name, value in found[kind].items() if isinstance(value, torch.Tensor)
    )
    if not tensors:
        raise ValueError(f'{source} holds no weights under {" or ".join(map(repr, _ENTRIES))}, nor at the top.')
    tensors._metadata = getattr(state, '_metadata', OrderedDict())  # type: ignore[attr-defined]
    return tensors, kind


def told_kind(content: Mapping[str, Any]) -> str | None:
    """What the weights are, if the file was published and says so."""
    meta = content.get('meta')
    kind = meta.get('weights') if isinstance(meta, Mapping) else None
    return kind if kind in (AVERAGED, TRAINED) else None


def _bare(name: str) -> str:
    return name.replace('_orig_mod.', '').removeprefix('module.')


def _checkpoint_file(checkpoint: str) -> Path:
    path = local_file(checkpoint)
    found = newest_checkpoint(path) if path.is_dir() else path
    if found is None:
        raise FileNotFoundError(f'the folder {checkpoint!r} holds no whole checkpoint of a training run')
    return found


def _refuse_non_finite(state: State) -> None:
    for name, tensor in state.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise ValueError(
                f'{name} holds NaN or infinity: such weights are of no use. Publish an earlier checkpoint.'
            )


def _refuse_unknown(state: State, source: str) -> None:
    file = unwrap(state, source)
    layout = detect_layout(file.tensors, file.beside)
    own = shapes(layout.read(file.tensors))
    missing = gaps(own, layout.family) if layout.family else []
    if not missing and recognise(own) is not None:
        return
    why = f'its backbone has {some(missing, 4)}' if missing else 'it has no backbone of this package'
    raise ValueError(f'{source}: {why}. With --any-model it is published all the same.')


def _refuse_edited(texts: Mapping[Path, str], *, replaceable: str) -> None:
    for path, text in texts.items():
        if path.exists() and path.read_text(encoding='utf-8') not in (text, replaceable):
            raise ValueError(
                f'{path} is there and says something else: it may have been edited, and was kept. Delete it, or give '
                'another --out, to have it written.'
            )


def _kept(meta: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in meta.items() if key in _KEPT_META or str(key).endswith('_version')}
    return {key: value for key, value in kept.items() if key != 'dataset_meta' or isinstance(value, Mapping)}


def _results(results: str | None, path: Path, kind: str) -> Mapping[str, Any] | None:
    """What was measured, if it was measured with these very weights."""
    if results is None:
        return None
    try:
        measured = json.loads(Path(results).read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f'{results} is not what tools/test.py --out writes: {error}.') from None
    if measured.get('checkpoint_sha256') != digest(path):
        raise ValueError(
            f'{results} was measured with {measured.get("checkpoint")}, which is another file than {path}.'
        )
    if measured.get('weights') != kind:
        other = '--no-ema' if kind == AVERAGED else '--ema'
        raise ValueError(
            f'{results} was measured with weights {measured.get("weights")}; these are {kind}. Try {other}.'
        )
    return measured


def _stem(meta: Mapping[str, Any], path: Path) -> str:
    """The name of the config, which mmengine gives to runs with their time; or that of the file."""
    return re.sub(r'_\d{8}_\d{6}$', '', str(meta.get('experiment_name') or '')) or without_digest(path)
