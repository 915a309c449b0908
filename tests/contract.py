"""What every registered backbone must do: one row in contract_rows.py each; tests/backbones runs all tests on all.

`backbone` in the tests is a row: `row.build(**options)` makes a tiny one with random weights and no drop path.
"""

import copy
import pickle
import re

import pytest
import torch
from torch import Tensor, nn

from tests.contract_rows import ROWS, Row

SIZES = [(1, 1), (1, 50), (31, 33), (33, 50), (64, 96), (224, 225), (130, 7)]


@pytest.fixture(params=ROWS)
def backbone(request: pytest.FixtureRequest) -> Row:
    return ROWS[request.param]


def close(actual: tuple[Tensor, ...], expected: tuple[Tensor, ...], tolerance: float = 1e-5) -> bool:
    """Whether all agree within `tolerance` of the largest absolute value."""
    return all(
        a.shape == b.shape and (a - b).abs().max() <= tolerance * b.abs().max()
        for a, b in zip(actual, expected, strict=True)
    )


def gradients(model: nn.Module, images: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Levels, and the gradients of all that wants one."""
    levels = model(images)
    total = sum((level.float() * torch.linspace(-1, 2, level.numel()).view_as(level)).sum() for level in levels)
    wanted = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return levels, torch.autograd.grad(total, wanted)


class TestOutputs:
    @pytest.mark.parametrize('size', SIZES, ids=str)
    def test_sizes_are_ceilings_and_a_batch_is_its_images(self, backbone, size):
        model = backbone.build().eval()
        images = backbone.images(2, *size)
        before = images.clone()
        with torch.inference_mode():
            levels = model(images)
            assert isinstance(levels, tuple)
            for level, channels, stride in zip(levels, backbone.channels, backbone.strides, strict=True):
                assert level.shape == (2, channels, *backbone.steps, *(-(-side // stride) for side in size))
                assert level.isfinite().all()
            for i in range(2):
                assert close(model(images[i : i + 1]), tuple(level[i : i + 1] for level in levels))
        assert close(model(images), levels)
        assert torch.equal(images, before)

    def test_levels_are_those_asked_for(self, backbone):
        images = backbone.images(1, 33, 50)
        whole = backbone.build()
        levels = whole(images)
        for subset in backbone.subsets:
            model = backbone.make(out_indices=subset)
            model.load_state_dict({name: whole.state_dict()[name] for name in model.state_dict()})
            assert close(model(images), tuple(levels[i] for i in subset))
            assert model.out_channels == tuple(backbone.channels[i] for i in subset)
            assert model.out_strides == tuple(backbone.strides[i] for i in subset)

    @pytest.mark.parametrize('inference', [True, False])
    def test_results_belong_to_the_caller(self, backbone, inference):
        model = backbone.build().eval()
        with torch.inference_mode(inference):
            first = model(backbone.images(1, 33, 50))
            kept = copy.deepcopy([level.detach() for level in first])
            model(backbone.images(1, 33, 50))
            assert all(torch.equal(level, copied) for level, copied in zip(first, kept, strict=True))
            for number, level in enumerate(first):
                level.detach().zero_()
                for other, copied in zip(first[number + 1 :], kept[number + 1 :], strict=True):
                    assert torch.equal(other, copied)

    def test_blocks_leave_their_inputs_as_they_were(self, backbone):
        """What a hook on a block, a stage or the patch embedding keeps is what there was, in inference too."""
        model = backbone.build().eval()
        kept = []

        def keep(module, inputs, output):
            kept.extend((value, value.clone()) for value in (*inputs, output) if isinstance(value, Tensor))

        for name, module in model.named_modules():
            if re.fullmatch(r'patch_embed|layers\.\d+|(layers\.\d+\.)?blocks\.\d+', name):
                module.register_forward_hook(keep)
        with torch.inference_mode():
            model(backbone.images(2, 33, 50))
        assert len(kept) >= 10
        assert all(torch.equal(value, copied) for value, copied in kept)

    def test_more_image_channels(self, backbone):
        model = backbone.build(in_channels=5)
        images = backbone.images(1, 20, 30, channels=5)
        changed = images.clone()
        changed[:, 4] += 1
        assert not close(model(changed), model(images))


class TestModule:
    def test_train_and_eval_return_the_module(self, backbone):
        model = backbone.build(num_frozen_stages=1)
        assert model.eval() is model
        assert not any(module.training for module in model.modules())
        assert model.train() is model
        assert model.training

    def test_state_dict_holds_the_parameters_alone(self, backbone):
        model = backbone.build()
        assert list(model.state_dict()) == [name for name, _ in model.named_parameters()]
        model(backbone.images(1, 33, 50))
        assert list(model.buffers()) == []

    @pytest.mark.parametrize('duplicate', [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
    def test_copies_work_and_stay_frozen(self, backbone, duplicate):
        model = backbone.build(num_frozen_stages=1)
        images = backbone.images(1, 33, 50)
        model(images)
        other = duplicate(model).train()
        assert close(other(images), model(images))
        for (name, ours), (_, theirs) in zip(model.named_modules(), other.named_modules(), strict=True):
            assert ours is not theirs, name
            assert ours.training == theirs.training, name

    def test_depth_of_parameters(self, backbone):
        """From 0 at the input, by steps of at most 1, and never down; norms of outputs are with the last."""
        model = backbone.build()
        depths = {name: model.param_depth(name) for name, _ in model.named_parameters()}
        assert min(depths.values()) == 0
        assert set(depths.values()) == set(range(max(depths.values()) + 1))
        assert list(depths.values()) == sorted(depths.values())

    def test_faults_are_named(self, backbone):
        last = len(backbone.channels) - 1
        faults = [
            ({'arch': 'endless'}, "Unknown arch 'endless'; known: "),
            ({'arch': {}}, 'missing'),
            ({'out_indices': ()}, r'out_indices are ascending .* got \(\)'),
            ({'out_indices': (1, 0)}, r'out_indices are ascending .* got \(1, 0\)'),
            ({'out_indices': (0, 0)}, r'out_indices are ascending .* got \(0, 0\)'),
            ({'out_indices': (last + 1,)}, f'from 0 to {last}'),
            ({'out_indices': (-1,)}, f'from 0 to {last}'),
            ({'num_frozen_stages': -1}, f'num_frozen_stages is from 0 to {last + 1}; got -1'),
            ({'num_frozen_stages': last + 2}, f'num_frozen_stages is from 0 to {last + 1}; got {last + 2}'),
            ({'drop_path_rate': 1.0}, 'drop path rate'),
            ({'init_cfg': {'type': 'TruncNormal'}}, "init_cfg of .*type='Pretrained'.* got .*TruncNormal"),
            ({'init_cfg': {'type': 'Pretrained', 'checkpoint': 'a.pth', 'prefix': 'b'}}, "got .*'prefix'"),
            *backbone.faults,
        ]
        for options, message in faults:
            with pytest.raises(ValueError, match=message):
                backbone.make(**options)
        with pytest.raises(TypeError):
            backbone.type(backbone.arch)

    def test_images_of_other_channels_are_named(self, backbone):
        model = backbone.build()
        axes = r'T, H, W' if backbone.frames else 'H, W'
        for images in (backbone.images(1, 32, 32, channels=4), backbone.images(3, 32, 32)[0]):
            with pytest.raises(ValueError, match=rf'\(B, 3, {axes}\).* got \({len(images)}'):
                model(images)


class TestTraining:
    def test_everything_that_trains_gets_a_gradient_and_nothing_else(self, backbone):
        images = backbone.images(2, 33, 50)
        for num_frozen_stages in range(len(backbone.channels) + 1):
            prefixes = backbone.frozen(num_frozen_stages)
            for subset in backbone.subsets:
                model = backbone.build(out_indices=subset, num_frozen_stages=num_frozen_stages).eval().train()
                trained = [name for name, p in model.named_parameters() if p.requires_grad]
                assert trained == [name for name, _ in model.named_parameters() if not name.startswith(prefixes)]
                for name, module in model.named_modules():
                    assert module.training != f'{name}.'.startswith(prefixes), name
                if not trained:
                    assert not any(level.requires_grad for level in model(images))
                    continue
                total = sum(level.square().sum() for level in model(images) if level.requires_grad)
                total.backward()
                for name, parameter in model.named_parameters():
                    assert (parameter.grad is not None) == (name in trained), name

    def test_frozen_stages_do_not_drop(self, backbone):
        model = backbone.build(num_frozen_stages=2, drop_path_rate=0.9, out_indices=(1,))
        images = backbone.images(2, 33, 50)
        assert torch.equal(model(images)[0], model(images)[0])

    def test_activation_checkpointing_changes_nothing(self, backbone):
        plain = backbone.build(drop_path_rate=0.5)
        saving = backbone.make(drop_path_rate=0.5, activation_checkpointing=True)
        saving.load_state_dict(plain.state_dict())
        images = backbone.images(2, 33, 50)
        results = []
        for model in (plain, saving):
            torch.manual_seed(1)
            results.append(gradients(model, images))
        for actual, expected in zip(results[1], results[0], strict=True):
            assert close(actual, expected)
        torch.manual_seed(2)
        assert not close(plain(images), results[0][0])  # so paths were dropped

    def test_inference_first_then_training(self, backbone):
        model, other = (backbone.build() for _ in range(2))
        other.load_state_dict(model.state_dict())
        images = backbone.images(1, 37, 59)
        with torch.inference_mode():
            model(images)
        for actual, expected in zip(gradients(model, images), gradients(other, images), strict=True):
            assert close(actual, expected)

    def test_no_grad_in_training_mode_drops_paths(self, backbone):
        model = backbone.build(drop_path_rate=0.5)
        images = backbone.images(2, 33, 50)
        torch.manual_seed(1)
        expected = model(images)
        torch.manual_seed(1)
        with torch.no_grad():
            assert close(model(images), expected)


class TestPrecision:
    @pytest.mark.parametrize(('dtype', 'tolerance'), [(torch.bfloat16, 0.06), (torch.float16, 0.01)])
    @pytest.mark.parametrize('cast', ['autocast', 'to'])
    def test_half(self, backbone, dtype, tolerance, cast):
        model = backbone.build()
        images = backbone.images(2, 64, 96)
        expected = model(images)
        if cast == 'to':
            model, images = model.to(dtype), images.to(dtype)
        with torch.autocast('cpu', dtype, enabled=cast == 'autocast'):
            levels, grads = gradients(model, images)
            with torch.inference_mode():
                in_tiles = model(images)
        kept = cast == 'autocast' and backbone.float32_under_autocast
        for results in (levels, in_tiles):
            assert all(level.dtype == (torch.float32 if kept else dtype) for level in results)
            assert close(results, expected, tolerance)
        assert all(grad.isfinite().all() for grad in grads)

    def test_double(self, backbone):
        model = backbone.build()
        images = backbone.images(2, 33, 50)
        single = gradients(model, images)
        double = gradients(model.double(), images.double())
        with torch.inference_mode():
            assert close(model(images.double()), double[0], 1e-12)
        for actual, expected in zip(single, double, strict=True):
            assert close(actual, expected, 1e-4)
            assert all(value.dtype == torch.float64 for value in expected)
