"""Models without what they would load: no files of weights, and nothing from the network."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_OF_INTERNET = (socket.AF_INET, socket.AF_INET6)
# arguments that name a file of weights: of old backbones, of detectors that learn from another
WEIGHT_ARGUMENTS = ('pretrained', 'teacher_ckpt')


def without_weights(node: Any, left_out: list[str], key: str = '') -> Any:
    """The config of a model with no file to start from; the files are added to `left_out`."""
    if isinstance(node, dict):
        if key == 'init_cfg' and str(node.get('type')).split('.')[-1] in ('Pretrained', 'PretrainedInit'):
            left_out.append(str(node.get('checkpoint')))
            return None
        return {name: without_weights(value, left_out, name) for name, value in node.items()}
    if isinstance(node, (list, tuple)):
        kept = [without_weights(item, left_out, key) for item in node]
        return type(node)(item for item in kept if item is not None or key != 'init_cfg')
    if key in WEIGHT_ARGUMENTS and isinstance(node, str):
        left_out.append(node)
        return None
    return node


@contextmanager
def offline() -> Iterator[None]:
    """Refuse new connections to other machines in the block, as without a network: with an OSError."""
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: Any) -> None:
        if self.family in _OF_INTERNET:
            raise OSError(f'nothing is loaded from {address[0]} here')
        connect(self, address)

    socket.socket.connect = refuse  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        socket.socket.connect = connect  # type: ignore[method-assign]
