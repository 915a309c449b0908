"""ShiftViT shifts in place where nobody can see it, and nowhere else.

The oracle calls every part by itself on a copy of its input: a block that is called directly does not write to it.
"""

import functools
from collections import Counter

import pytest
import torch
from torch import nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
from torch.utils.checkpoint import checkpoint

from swin_dense.backbones import ShiftViT
from swin_dense.backbones import shift_vit as shift_vit_module
from swin_dense.layers import shift as shift_module
from tests.contract import close, gradients

ARCH = {'embed_dims': 24, 'depths': (2, 1, 3), 'mlp_ratio': 2, 'n_div': 6}
IMAGES = (2, 3, 45, 66)
PLACES = [
    'patch_embed', 'patch_embed.norm', 'layers.0', 'layers.0.blocks.0', 'layers.0.blocks.1', 'layers.1.blocks.0',
    'layers.0.blocks.0.norm2', 'layers.2.blocks.1.norm2', 'layers.2.blocks.1.mlp', 'layers.2.blocks.2.drop_path',
    'layers.0.downsample', 'layers.1.downsample.norm', 'norm0', 'norm1', 'norm2',
]  # fmt: skip


def build(**options):
    torch.manual_seed(0)
    model = ShiftViT(arch=ARCH, **{'out_indices': (0, 1, 2), 'drop_path_rate': 0.0, **options})
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return model


def images():
    return torch.randn(IMAGES, generator=torch.Generator().manual_seed(1))


def part_by_part(model, images):
    """Name of a module -> tensors that went in and came out, of a run without hooks in which nothing is shared."""
    seen = {}

    def call(name, *inputs):
        output = model.get_submodule(name)(*(x.clone() for x in inputs))
        seen[name] = [x.detach().clone() for x in (*inputs, output)]
        return output

    x = call('patch_embed', images)
    seen['patch_embed.norm'] = [x.detach().clone()]
    for stage, layer in enumerate(model.layers):
        entered = x
        for number, block in enumerate(layer.blocks):
            prefix = f'layers.{stage}.blocks.{number}'
            shifted = shift_module.channel_shift(x, block.group_channels, block.shift_pixels)
            branch = call(f'{prefix}.mlp', call(f'{prefix}.norm2', shifted))
            call(f'{prefix}.drop_path', shifted, branch)
            x = call(prefix, x)
        level = x
        call(f'norm{stage}', x)
        if layer.downsample is not None:
            call(f'layers.{stage}.downsample.norm', x)
            x = call(f'layers.{stage}.downsample', x)
        seen[f'layers.{stage}'] = [value.detach().clone() for value in (entered, level, x)]
    return seen


def tensors(*values):
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from tensors(*value)


class Watch:
    """What a hook was given, as it is, not copied."""

    def __init__(self):
        self.kept = []

    def __call__(self, module, inputs, output=()):
        self.kept.append((module, list(tensors(inputs, output))))


@pytest.fixture(params=['inference', 'no_grad', 'training', 'checkpointing'])
def run(request):
    """Runs a model one way; returns its levels."""

    def one(model):
        if request.param in ('training', 'checkpointing'):
            for layer in model.layers:
                layer.activation_checkpointing = request.param == 'checkpointing'
            return model.train()(images())
        with torch.inference_mode() if request.param == 'inference' else torch.no_grad():
            return model.eval()(images())

    return one


def count_in_place(monkeypatch):
    calls = []
    original = shift_vit_module.channel_shift_
    monkeypatch.setattr(shift_vit_module, 'channel_shift_', lambda *args: calls.append(args) or original(*args))
    return calls


def test_every_block_shifts_in_place_when_nobody_looks(run, monkeypatch):
    calls = count_in_place(monkeypatch)
    model = build()
    levels = run(model)
    assert len(calls) == sum(ARCH['depths'])
    seen = part_by_part(model, images())
    for stage, level in enumerate(levels):
        assert close((level.permute(0, 2, 3, 1),), (seen[f'norm{stage}'][-1],))


@pytest.mark.parametrize('place', PLACES)
def test_hooks_keep_what_there_was(run, place):
    model = build()
    expected = part_by_part(model, images())[place]
    watch = Watch()
    module = model.get_submodule(place)
    module.register_forward_hook(watch)
    module.register_forward_pre_hook(watch)
    run(model)
    assert len(watch.kept) >= 2
    for _, kept in watch.kept:
        # a pre-hook sees what went in; norms inside the embedding have one expected tensor, what came out
        wanted = expected if len(kept) >= len(expected) else expected[: len(kept)]
        if place == 'patch_embed.norm':
            kept, wanted = kept[1:], expected if kept[1:] else []
        assert close(tuple(kept), tuple(wanted))


@pytest.mark.parametrize('kind', ['forward', 'forward_pre'])
def test_global_hooks_keep_what_there_was(run, kind):
    model = build()
    expected = part_by_part(model, images())
    watch = Watch()
    handle = getattr(nn.modules.module, f'register_module_{kind}_hook')(watch)
    try:
        run(model)
    finally:
        handle.remove()
    names = {module: name for name, module in model.named_modules()}
    checked = [name for module, _ in watch.kept if (name := names[module]) in PLACES and name in expected]
    assert set(checked) == set(PLACES)
    for module, kept in watch.kept:
        name = names[module]
        if name in expected and name != 'patch_embed.norm':
            assert close(tuple(kept), tuple(expected[name][: len(kept)]))


@pytest.mark.filterwarnings('ignore:Full backward hook is firing')  # the images want no gradient
@pytest.mark.parametrize('place', ['layers.0.blocks.1', 'layers.1', 'layers.2.blocks.1.norm2', 'patch_embed', None])
def test_backward_hooks_are_called(place):
    model = build()
    expected = gradients(model, images())
    watch = Watch()
    if place is None:
        handle = nn.modules.module.register_module_full_backward_hook(watch)
    else:
        handle = model.get_submodule(place).register_full_backward_hook(watch)
    try:
        for actual, wanted in zip(gradients(model, images()), expected, strict=True):
            assert close(actual, wanted)
    finally:
        handle.remove()
    assert len(watch.kept) == 1 if place else len(watch.kept) > 20


class Keeper(nn.Module):
    """Around a module: keeps what goes in and comes out."""

    def __init__(self, module):
        super().__init__()
        self.module = module
        self.kept = []

    def forward(self, *inputs):
        output = self.module(*inputs)
        self.kept += [(x, x.clone()) for x in tensors(inputs, output)]
        return output


@pytest.mark.parametrize('place', [place for place in PLACES if 'drop_path' not in place])
def test_modules_that_were_wrapped_keep_what_there_was(run, place):
    model = build()
    expected = run(model)
    keeper = Keeper(model.get_submodule(place))
    if 'layers.' in place and place.count('.') == 1:
        # what the contract asks of a stage
        keeper.blocks, keeper.downsample = keeper.module.blocks, keeper.module.downsample
    model.set_submodule(place, keeper)
    assert close(run(model), expected)
    assert keeper.kept
    assert all(torch.equal(x, copy) for x, copy in keeper.kept)


@pytest.mark.parametrize(
    'place', ['patch_embed', 'layers.0', 'layers.0.blocks.1', 'layers.0.downsample', 'layers.0.blocks.0.norm2']
)
def test_classes_whose_forward_was_replaced_keep_what_there_was(run, place, monkeypatch):
    model = build()
    expected = run(model)
    kept = []
    kind = type(model.get_submodule(place))
    forward = kind.forward

    def keeping(self, *inputs, **options):
        before = [(x, x.clone()) for x in tensors(inputs)]
        output = forward(self, *inputs, **options)
        kept.extend([*before, *((x, x.clone()) for x in tensors(output))])
        return output

    monkeypatch.setattr(kind, 'forward', keeping)
    assert close(run(model), expected)
    assert kept
    assert all(torch.equal(x, copy) for x, copy in kept)


@pytest.mark.parametrize('way', ['forward', 'wrapper'])
@pytest.mark.parametrize('place', ['patch_embed', 'layers.0', 'layers.2', 'layers.0.blocks.1', 'layers.1.downsample'])
def test_checkpointing_from_outside(place, way):
    """As mmengine does it, by setting `forward`, and as torch does it, by a wrapper: what runs twice gets its input."""
    model = build()
    expected = gradients(model, images())
    module = model.get_submodule(place)
    if way == 'forward':
        module.forward = functools.partial(checkpoint, module.forward, use_reentrant=False)
    else:
        model.set_submodule(place, checkpoint_wrapper(module))
    for actual, wanted in zip(gradients(model, images()), expected, strict=True):
        assert close(actual, wanted)


@pytest.mark.parametrize('place', ['layers.0', 'layers.0.blocks.0', 'layers.2.blocks.1'])
def test_what_is_called_directly_leaves_its_input_alone(place):
    model = build().eval()
    module = model.get_submodule(place)
    channels = module.blocks[0].mlp.fc1.in_features if place.count('.') == 1 else module.mlp.fc1.in_features
    x = torch.randn(2, 5, 7, channels)
    before = x.clone()
    module(x)
    with torch.inference_mode():
        module(x)
    assert torch.equal(x, before)


def test_levels_without_norms_are_not_overwritten(run):
    """Then a level is the very map that the next stage is made from."""
    model = build()
    for stage in range(3):
        model.set_submodule(f'norm{stage}', nn.Identity())
    seen = part_by_part(model, images())
    levels = run(model)
    run(model)
    for stage, level in enumerate(levels):
        assert close((level.permute(0, 2, 3, 1),), (seen[f'layers.{stage}'][1],))


@pytest.mark.parametrize(
    'options',
    [{}, {'drop_path_rate': 0.5}, {'num_frozen_stages': 1}, {'num_frozen_stages': 2}, {'norm': 'batch'},
     {'activation_checkpointing': True, 'drop_path_rate': 0.5}, {'shift_pixels': 0}, {'shift_pixels': 3}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize('autocast', [False, True])
def test_gradients_are_those_of_copies(options, autocast, monkeypatch):
    results = []
    for overwrites in (True, False):
        calls = count_in_place(monkeypatch)
        model = build(**options)
        if not overwrites:
            monkeypatch.setattr(shift_vit_module, 'is_ours', lambda module: False)
        torch.manual_seed(3)
        with torch.autocast('cpu', torch.bfloat16, enabled=autocast):
            results.append(gradients(model.train(), images()))
        assert bool(calls) == overwrites
    for actual, expected in zip(*results, strict=True):
        assert close(actual, expected)


def test_blocks_copy_no_map():
    """In inference and in both passes of training: a stage's map is copied once, to be padded before the merging."""
    model = build()
    seen = part_by_part(model, images())
    shapes = [tuple(seen[f'layers.{stage}'][1].shape) for stage in range(3)]
    padded = Counter(shapes[:-1])

    def copied(function):
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], record_shapes=True) as profile:
            result = function()
        copies = [tuple(event.input_shapes[0]) for event in profile.events() if event.name == 'aten::copy_']
        channels_last = [shape if shape in shapes else shape[:1] + shape[2:] + shape[1:2] for shape in copies]
        return Counter(shape for shape in channels_last if shape in shapes), result

    model.eval()
    with torch.inference_mode():
        assert copied(lambda: model(images()))[0] == padded
    copies, levels = copied(lambda: model.train()(images()))
    assert copies == padded
    gradients = [torch.randn_like(level) for level in levels]
    assert copied(lambda: torch.autograd.backward(levels, gradients))[0] == padded


def test_the_count_of_copies_sees_one(monkeypatch):
    monkeypatch.setattr(shift_vit_module, 'is_ours', lambda module: False)
    with pytest.raises(AssertionError):
        test_blocks_copy_no_map()
