"""What reaches the console of a run. Everything goes to the log file; lines that only fill the screen stop here."""

import logging
from typing import Any

# said by mmengine, mmdet or mmseg at every start or every epoch; what of it matters is in the start log
_NOISE = (
    'Hooks will be executed in the following order',
    'Exp name: ',
    'Checkpoints will be saved to',
    'paramwise_options -- ',
    'Distributed training is not used',
    'Load checkpoint from ',
    'resumed epoch: ',
    'The `end` of ',
    'Resumed iteration number is not divisible',  # false here: accumulated gradients are in the checkpoint
    'LR is set based on batch size',
    'Saving checkpoint at',
    '"FileClient" will be deprecated',
    '"HardDiskBackend" is the alias',
)
_NOISE_INSIDE = ('is skipped since its requires_grad',)


class ConsoleFilter(logging.Filter):
    """Keeps noise off the console, and log lines from running into a progress bar."""

    def __init__(self) -> None:
        super().__init__()
        self.bar: Any = None

    def filter(self, record: logging.LogRecord) -> bool:
        text = str(record.msg)
        if text.startswith(_NOISE) or any(piece in text for piece in _NOISE_INSIDE):
            return False
        if self.bar is not None:
            if text.startswith(('Epoch(train)', 'Iter(train)', 'Epoch(val)', 'Iter(val)')) and 'eta:' in text:
                return False  # the bar says the same
            self.bar.clear()
        return True


def console_filter(logger: logging.Logger) -> ConsoleFilter:
    """Give the filter of a logger's console, installing it on first use."""
    found = [each for handler in logger.handlers for each in handler.filters if isinstance(each, ConsoleFilter)]
    if found:
        return found[0]
    new = ConsoleFilter()
    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
            handler.addFilter(new)
    return new
