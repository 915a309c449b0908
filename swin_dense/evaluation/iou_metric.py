"""mIoU with the confusion matrix of each image kept."""

from collections.abc import Sequence
from typing import Any

from mmseg.evaluation import IoUMetric as MmsegIoUMetric

from swin_dense.evaluation.confusion import ConfusionData, confusion_data, image_confusion
from swin_dense.evaluation.image_names import image_names
from swin_dense.registry import METRICS


@METRICS.register_module()
class IoUMetric(MmsegIoUMetric):
    """mmseg's, with the same arguments and results.

    Attributes:
        confusions: of the images of the latest evaluation, in the main process.
    """

    confusions: ConfusionData | None = None

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        super().process(data_batch, data_samples)
        if self.format_only:
            return
        areas = self.results[-len(data_samples) :]
        self.results[-len(data_samples) :] = [
            (image, sample['img_path'], self._confusion(sample))
            for image, sample in zip(areas, data_samples, strict=True)
        ]

    def compute_metrics(self, results: list) -> dict[str, float]:
        if self.format_only:
            return super().compute_metrics(results)
        names = image_names([path for _, path, _ in results])
        cells = (image for _, _, image in results)
        self.confusions = confusion_data(zip(names, cells, strict=True), len(self.dataset_meta['classes']))
        return super().compute_metrics([areas for areas, _, _ in results])

    def _confusion(self, sample: dict) -> Any:
        prediction, truth = (sample[key]['data'].squeeze(0).cpu().numpy() for key in ('pred_sem_seg', 'gt_sem_seg'))
        return image_confusion(
            prediction, truth, num_classes=len(self.dataset_meta['classes']), ignore_index=self.ignore_index
        )
