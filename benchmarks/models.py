"""What is measured: our backbones and their peers, by name, with equal weights where they compute the same."""

from collections.abc import Callable

import torch
from torch import nn

from benchmarks.plain_shift_vit import PlainShiftViT
from benchmarks.plain_video_swin import PlainVideoSwin
from swin_dense.backbones import ShiftViT, SwinTransformer, VideoSwinTransformer

DROP_PATH_RATE = 0.2
# ours -> what it is compared with
PEERS = {
    'swin_tiny': ('mmdet', 'mmseg'),
    'shift_vit_tiny': ('plain_shift_vit', 'swin_tiny', 'mmdet'),
    'video_swin_tiny': ('plain_video_swin', 'torchvision'),
}


def build(name: str, device: str) -> nn.Module:
    """A backbone by name, seeded."""
    torch.manual_seed(0)
    return _BUILDERS[name]().to(device)


def copy_weights(ours: nn.Module, peer: nn.Module) -> bool:
    """Gives the peer our weights if it computes the same; returns whether it does."""
    if isinstance(peer, PlainVideoSwin):
        peer, state = peer.net, ours.state_dict()
    elif isinstance(ours, VideoSwinTransformer):
        return False
    elif isinstance(ours, SwinTransformer):
        state = _swin_for_mm(ours)
    elif isinstance(peer, PlainShiftViT):
        state = {name: _as_convolution(name, value) for name, value in ours.state_dict().items()}
    else:
        return False
    missing, unexpected = peer.load_state_dict(state, strict=False)
    if unexpected or any('relative_position_index' not in name for name in missing):
        raise RuntimeError(f'the weights of ours and the peer do not match: missing {missing}, unexpected {unexpected}')
    return True


def _mm_swin(library: str) -> nn.Module:
    if library == 'mmdet':
        from mmdet.models.backbones.swin import SwinTransformer as Peer
    else:
        from mmseg.models.backbones.swin import SwinTransformer as Peer
    return Peer(embed_dims=96, depths=(2, 2, 6, 2), num_heads=(3, 6, 12, 24), drop_path_rate=DROP_PATH_RATE)


class _TorchvisionVideoSwin(nn.Module):
    """The arguments of swin3d_t, whose last map is its one level."""

    def __init__(self) -> None:
        super().__init__()
        from torchvision.models.video.swin_transformer import SwinTransformer3d

        self.net = SwinTransformer3d(
            patch_size=[2, 4, 4],
            embed_dim=96,
            depths=[2, 2, 6, 2],
            num_heads=[3, 6, 12, 24],
            window_size=[8, 7, 7],
            stochastic_depth_prob=DROP_PATH_RATE,
        )

    def forward(self, clips: torch.Tensor) -> tuple[torch.Tensor, ...]:
        net = self.net
        return (net.norm(net.features(net.pos_drop(net.patch_embed(clips)))).movedim(-1, 1),)


_BUILDERS: dict[str, Callable[[], nn.Module]] = {
    'swin_tiny': lambda: SwinTransformer(arch='tiny', drop_path_rate=DROP_PATH_RATE),
    'shift_vit_tiny': lambda: ShiftViT(arch='tiny', drop_path_rate=DROP_PATH_RATE),
    'video_swin_tiny': lambda: VideoSwinTransformer(arch='tiny', drop_path_rate=DROP_PATH_RATE),
    'plain_video_swin': lambda: PlainVideoSwin(drop_path_rate=DROP_PATH_RATE),
    'torchvision': _TorchvisionVideoSwin,
    'plain_shift_vit': lambda: PlainShiftViT(drop_path_rate=DROP_PATH_RATE),
    'mmdet': lambda: _mm_swin('mmdet'),
    'mmseg': lambda: _mm_swin('mmseg'),
}


def _swin_for_mm(ours: nn.Module) -> dict[str, torch.Tensor]:
    """Renamed, and patch merging in mmdet's order of neighbours."""
    state = {}
    for name, value in ours.state_dict().items():
        renamed = (
            name.replace('layers.', 'stages.')
            .replace('.attn.', '.attn.w_msa.')
            .replace('.mlp.fc1.', '.ffn.layers.0.0.')
            .replace('.mlp.fc2.', '.ffn.layers.1.')
            .replace('patch_embed.proj.', 'patch_embed.projection.')
        )
        if '.downsample.' in name:
            # four blocks of C, neighbours down first -> C groups of four, neighbours right first
            value = value.unflatten(-1, (4, -1))[..., [0, 2, 1, 3], :].transpose(-2, -1).flatten(-2)
        state[renamed] = value
    return state


def _as_convolution(name: str, value: torch.Tensor) -> torch.Tensor:
    return value[..., None, None] if '.mlp.' in name and name.endswith('.weight') else value
