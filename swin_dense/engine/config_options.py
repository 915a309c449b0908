"""`--cfg-options`: a key that changes nothing is an error, not a surprise after a week of training."""

from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

from swin_dense.engine.config_places import RUNNER_KEYS, look_at
from swin_dense.engine.errors import closest


def merge_options(cfg: Config, options: dict[str, Any] | None) -> None:
    """Refuse misspelt keys of the config, and put `options` into it."""
    refuse_misspelt_keys(cfg)
    put_options(cfg, options)


def put_options(cfg: Config, options: dict[str, Any] | None) -> None:
    """Put `options` (dotted key -> value) into the config, each of them where something reads it."""
    for key in options or {}:
        _check(cfg, key)
    cfg.merge_from_dict(options or {})


def refuse_misspelt_keys(cfg: Config) -> None:
    """Refuse top-level keys that nothing reads and that look like one that is read: `trian_dataloader`."""
    for key, meant in misspelt_keys(cfg):
        raise ValueError(f'{cfg.filename}: nothing reads the key {key!r}. Did you mean {meant!r}?')


def misspelt_keys(cfg: Config) -> Iterator[tuple[str, str]]:
    """Give top-level keys that nothing reads and that look like one that is read, with that one."""
    for key in cfg:
        if key not in RUNNER_KEYS and (meant := _near(key)):
            yield key, meant


def _near(key: str) -> str | None:
    for meant in sorted(RUNNER_KEYS):
        if sorted(meant) == sorted(key) or _one_edit(key, meant):
            return meant
    return None


def _one_edit(left: str, right: str) -> bool:
    if abs(len(left) - len(right)) > 1:
        return False
    short, long = sorted((left, right), key=len)
    if len(short) == len(long):
        return sum(a != b for a, b in zip(short, long, strict=True)) == 1
    return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))


def _check(cfg: Config, key: str) -> None:
    parts = key.split('.')
    if parts[0] not in RUNNER_KEYS:
        raise ValueError(_explain_unread(cfg, key))
    node: Any = cfg._cfg_dict
    for depth, part in enumerate(parts):
        if isinstance(node, (list, tuple)):
            if not part.isdigit() or int(part) >= len(node):
                raise ValueError(
                    f'--cfg-options {key}: {".".join(parts[:depth])} is a list of {len(node)}, without {part!r}.'
                )
            node = node[int(part)]
        elif isinstance(node, dict) and part in node:
            node = node[part]
        elif depth == 0 or (isinstance(node, dict) and _is_read(cfg, '.'.join(parts[:depth]), node, part)):
            return  # not in the config, but an argument of what is built there
        else:
            raise ValueError(_explain_unknown(cfg, key, node, parts[:depth]))


def _is_read(cfg: Config, place: str, node: dict, name: str) -> bool:
    arguments = look_at(place, node, cfg.get('default_scope')).arguments
    return arguments is not None and arguments.takes(name)


def _explain_unread(cfg: Config, key: str) -> str:
    top = key.split('.')[0]
    if top not in cfg:
        return f'--cfg-options {key}: there is no such key.{_similar(cfg, key)}'
    copies = [f'{place}' for place, value in _walk(cfg.to_dict()) if place != top and value == cfg.to_dict()[top]]
    places = [place for place in copies if place.split('.')[0] in RUNNER_KEYS]
    advice = f' It was copied into {", ".join(places[:4])}: set it there.' if places else ''
    return f'--cfg-options {key}: {top} is a variable of the config file that nothing reads afterwards.{advice}'


def _explain_unknown(cfg: Config, key: str, node: Any, above: list[str]) -> str:
    place = '.'.join(above)
    if not isinstance(node, dict):
        return f'--cfg-options {key}: {place} is {node!r}, which has no keys.'
    of = f'{place} (type={node["type"]!r})' if 'type' in node else place
    return f'--cfg-options {key}: {of} has no such key.{_similar(cfg, key)}'


def _similar(cfg: Config, key: str) -> str:
    known = {name: value for name, value in cfg.to_dict().items() if name in RUNNER_KEYS}
    paths = [place for place, _ in _walk(known)] + sorted(RUNNER_KEYS)
    return closest(key, paths) or closest(key.rsplit('.', 1)[-1], {path.rsplit('.', 1)[-1] for path in paths})


def _walk(values: Any, prefix: str = '') -> Iterator[tuple[str, Any]]:
    items = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for key, value in items:
        yield f'{prefix}{key}', value
        yield from _walk(value, f'{prefix}{key}.')
