"""Sets of images with boxes, as people keep them: PASCAL VOC, COCO, YOLO."""

from kerazoo.data.annotations.folder import KINDS, load_boxes, scan

__all__ = ["KINDS", "load_boxes", "scan"]
