"""What a comparison found, as plain values: runs, costs and statistics. Reports are made of it and of nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from swin_dense.comparison.intervals import Interval
from swin_dense.comparison.verdicts import Verdict

State = Literal['finished', 'failed', 'interrupted', 'waiting']


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One config with one seed.

    Attributes:
        name: of the config in this comparison, unique among configs.
        config: its path.
        seed: of training.
        folder: work dir; holds checkpoints, metrics.jsonl, results.json and per_image/*.npz.
        state: `finished` has results; `failed` has a reason.
        reason: the last lines of what a failed run said.
        task: `detection` or `segmentation`; '' before there are results.
        metrics: name -> value of the test; fractions for AP, percent for mIoU as tools/test.py writes them.
        by_class: score name (`bbox_AP`, `segm_AP`, `IoU`) -> class name -> value from 0 to 1, None where undefined.
        recipe, data: fingerprints of the recipe, and of training and test data together.
        protocol: of results.json.
        train_hours: of training; None where metrics.jsonl does not tell.
    """

    name: str
    config: str
    seed: int
    folder: Path
    state: State
    reason: str = ''
    task: str = ''
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    by_class: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    recipe: str = ''
    data: str = ''
    protocol: Mapping[str, Any] = field(default_factory=dict)
    train_hours: float | None = None


@dataclass(frozen=True, kw_only=True)
class ModelCosts:
    """What one model costs on one device.

    Attributes:
        parameters, macs: whole model; multiply-adds of one image of `image_size`.
        backbone_parameters, backbone_macs: of the backbone alone.
        image_size: (height, width), of the test, as the model pads it.
        device, precision: where and in which numbers it was measured.
        latency_p50_ms, latency_p95_ms: of one image.
        best_batch, images_per_second: the batch of the highest throughput that was tried, and that throughput.
        inference_memory_bytes, training_memory_bytes: at the peak; None where the device does not tell.
        joules_per_image: by NVML; None without.
        latency_spread_ms, images_per_second_spread: between the quartiles of rounds.
        notes: on the image and the weights that were measured with, and on what could not be measured, and why.
    """

    parameters: int
    macs: int
    backbone_parameters: int
    backbone_macs: int
    image_size: tuple[int, int]
    device: str
    precision: str
    latency_p50_ms: float | None = None
    latency_p95_ms: float | None = None
    best_batch: int | None = None
    images_per_second: float | None = None
    inference_memory_bytes: int | None = None
    training_memory_bytes: int | None = None
    joules_per_image: float | None = None
    latency_spread_ms: float | None = None
    images_per_second_spread: float | None = None
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class ScoreTable:
    """One score of all models of a group, with what can be concluded.

    Attributes:
        score: `bbox_mAP`, `segm_mAP`, `mIoU`, ...; values of all are from 0 to 1.
        seeds: model name -> value of each finished run, in the order of seeds.
        intervals: model name -> 95 % interval of the mean.
        verdicts: of all pairs, Holm-corrected over them.
    """

    score: str
    seeds: Mapping[str, Sequence[float]]
    intervals: Mapping[str, Interval]
    verdicts: Sequence[Verdict]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Runs with one recipe and one data fingerprint: only these are ranked together.

    Attributes:
        scores: by score name; the first is the headline.
        class_scores: of single classes: `bbox_AP/person`, `IoU/wall`; verdicts are Holm-corrected over all pairs of
            all classes of one kind.
        num_images: of the test set.
        pareto: cost name (`macs`, `parameters`, `latency_p50_ms`) -> names of the models on the front of headline and
            cost.
    """

    recipe: str
    data: str
    task: str
    models: Sequence[str]
    scores: Sequence[ScoreTable]
    pareto: Mapping[str, Sequence[str]]
    class_scores: Sequence[ScoreTable] = ()
    num_images: int = 0


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What one run logged of one quantity while it trained.

    Attributes:
        model, seed: of the run.
        quantity: as in metrics.jsonl: `loss`, `coco/bbox_mAP`, `mIoU`, ...
        steps: iterations, ascending.
        values: one for each step.
    """

    model: str
    seed: int
    quantity: str
    steps: Sequence[int]
    values: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class PictureRow:
    """Pictures to be seen side by side.

    Attributes:
        kind: `disagreement` or `receptive field`.
        title, caption: of the row; the caption says what the pictures show.
        pictures: label (`image`, `ground truth`, or the name of a model) -> PNG or JPEG file, in the order shown.
        descriptions: label -> the picture in words, for those who cannot see it.
    """

    kind: Literal['disagreement', 'receptive field']
    title: str
    caption: str
    pictures: Mapping[str, Path]
    descriptions: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class PublishedRow:
    """Numbers of a paper: never part of the statistics.

    Attributes:
        model, recipe: as the paper has them.
        metrics: name -> value in percent.
        parameters, macs: as published; None where the paper gives none.
        weights: short name of published weights with these numbers, or ''.
        source: paper and table, or repository.
    """

    model: str
    recipe: str
    metrics: Mapping[str, float]
    parameters: float | None
    macs: float | None
    source: str
    weights: str = ''


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All that a report says.

    Attributes:
        title: of the report.
        command: that makes it again.
        date: when it was made.
        runs: all, whatever their state.
        costs: model name -> costs; without those that were not measured.
        groups: see `Group`; more than one where recipes or data differ.
        allowed: lines on what differs by `--allow`.
        versions: package -> version.
        curves: of all runs and quantities.
        pictures: see `PictureRow`.
        published: numbers of papers to be shown beside.
        notes: lines on what could not be measured or shown, and why.
    """

    title: str
    command: str
    date: str
    runs: Sequence[RunRecord]
    costs: Mapping[str, ModelCosts]
    groups: Sequence[Group]
    allowed: Sequence[str]
    versions: Mapping[str, str]
    curves: Sequence[Curve] = ()
    pictures: Sequence[PictureRow] = ()
    published: Sequence[PublishedRow] = ()
    notes: Sequence[str] = ()
