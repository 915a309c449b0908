"""What a step of training says of a model and its schedule."""

import math
from collections import Counter
from collections.abc import Iterator

from swin_dense.checks.findings import Case, Finding
from swin_dense.checks.resources import counted
from swin_dense.checks.trial_step import Step


def step_findings(step: Step, *, device: str, file: str) -> Iterator[Finding]:
    """Give what is wrong with a step, or else its losses."""
    losses = ', '.join(f'{name} {value:.4g}' for name, value in step.losses.items())
    if step.bad_part:
        yield _bad_loss(step, losses, file)
    elif step.bad_gradients:
        yield Finding(
            level='error',
            rule='gradients-not-finite',
            file=file,
            key='model',
            message=f'the losses are finite ({losses}), and gradients of {_modules(step.bad_gradients)} are NaN or '
            'infinite after the backward pass.',
            remedy='look for a square root, logarithm, division or norm of 0 in the losses and in these modules.',
            cases=_parameters(step.bad_gradients),
        )
    elif step.bad_weights:
        low, high = step.rates
        yield Finding(
            level='error',
            rule='weights-not-finite',
            file=file,
            key='optim_wrapper.optimizer',
            value={'lr': high},
            message=f'losses and gradients are finite, and {len(step.bad_weights)} parameters are NaN or infinite '
            f'after one update with learning rates of {low:g} to {high:g} ({_modules(step.bad_weights)}).',
            remedy='set a learning rate that the recipe has (AdamW: about 1e-4), and look at param_scheduler, '
            'auto_scale_lr and weight_decay.',
            cases=_parameters(step.bad_weights),
        )
    else:
        yield Finding(
            level='ok',
            rule='training-step',
            file=file,
            key='model',
            message=f'one forward pass, backward pass and update on {counted(step.images, "image")} on {device}: '
            f'{losses}; gradients and updated weights are finite; the first learning rate is {step.rates[1]:g}.',
        )
    if step.without_gradient:
        yield _without_gradient(step, file)


def overfit_finding(first: float, last: float, steps: int, *, file: str) -> Finding:
    """Say whether the loss of one batch fell when nothing else was trained on."""
    falls = math.isfinite(last) and last < 0.9 * first
    message = f'the loss on one batch is {first:.4g} at first and {last:.4g} after {steps} steps on it'
    return Finding(
        level='ok' if falls else 'warning',
        rule='overfit' if falls else 'overfit-fails',
        file=file,
        key='optim_wrapper.optimizer',
        value={'first': first, 'last': last, 'steps': steps},
        message=f'{message}.' if falls else f'{message}: it does not fall by a tenth.',
        remedy=''
        if falls
        else 'give it more steps first; if it still does not fall, try another learning rate (a tenth, ten times), '
        'look at the pictures of the batch, and at what is frozen.',
    )


def _bad_loss(step: Step, losses: str, file: str) -> Finding:
    bad = [name for name, value in step.losses.items() if not math.isfinite(value)]
    of_inputs = 'input images' in step.bad_part
    return Finding(
        level='error',
        rule='loss-not-finite',
        file=file,
        key='model.data_preprocessor' if of_inputs else 'model',
        value=', '.join(bad),
        message=f'{", ".join(bad)} of the first step is not finite; it begins in {step.bad_part}. Losses: {losses}.',
        remedy='look at mean and std of model.data_preprocessor (a std of 0 divides by 0) and at the pictures.'
        if of_inputs
        else 'look at what this part divides by or takes the logarithm of; without autocast (--amp), does it stay?',
    )


def _without_gradient(step: Step, file: str) -> Finding:
    return Finding(
        level='warning',
        rule='parameters-without-gradient',
        file=file,
        key='model',
        value=len(step.without_gradient),
        message=f'{len(step.without_gradient)} parameters that are to be trained get no gradient '
        f'({_modules(step.without_gradient)}): they stay as they are, and training in several processes ends with an '
        'error of torch.',
        remedy='take these parts out of the model or let its losses use them; find_unused_parameters=True lets several '
        'processes train all the same.',
        cases=_parameters(step.without_gradient),
    )


def _parameters(names: list[str]) -> list[Case]:
    return [Case('', f'parameter {name}', None, 'see the remedy of all') for name in names]


def _modules(names: list[str]) -> str:
    """The modules that parameters are of, those with the most first."""
    counts = Counter(name.rsplit('.', 1)[0] for name in names)
    shown = [module for module, _ in counts.most_common(3)]
    return ', '.join(shown) + (f' and {len(counts) - 3} more modules' if len(counts) > 3 else '')
