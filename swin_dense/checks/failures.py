"""An exception of a trial as a finding."""

import re
import traceback

from swin_dense.checks.findings import Finding
from swin_dense.engine.errors import DEBUG_VARIABLE, explain

# what an exception says -> what to do
_REMEDIES = (
    (r'Cannot find valid image', 'the pipeline gives nothing for any image: look at its crops and filters.'),
    (r'[Bb]us error|shared memory', 'give shared memory more room (docker run --shm-size=8g) or set num_workers=0.'),
    (r'more than 1 value per channel', 'batch norm needs two images: train_dataloader.batch_size=2, or another norm.'),
    (r'out of memory', 'smaller images, --amp bf16, model.backbone.activation_checkpointing=True, or a larger device.'),
    (r'predicts no masks', "val_evaluator.metric='bbox', or a model with masks."),
)


def failure(error: Exception, stage: str, key: str, file: str) -> Finding:
    """Put into words what a stage ended with: rule `cannot-STAGE`, the cause, its place, a remedy."""
    message = ' '.join(explain(error).split())
    frame = traceback.extract_tb(error.__traceback__)[-1]
    known = next((remedy for pattern, remedy in _REMEDIES if re.search(pattern, str(error))), None)
    return Finding(
        level='error',
        rule=f'cannot-{stage}',
        file=file,
        key=key,
        message=f'{message} (raised at {frame.filename}:{frame.lineno})',
        remedy=known or f'training would end here; mend what is named. {DEBUG_VARIABLE}=1 shows the traceback.',
    )
