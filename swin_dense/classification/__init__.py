"""Classification of images: what mmdet and mmseg lack for pretraining and for checks of published weights."""
