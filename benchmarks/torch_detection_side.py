"""torchvision's layers and Faster R-CNN; needs neither Keras nor us."""

import sys

from benchmarks import sides


def pooling(words):
    """RoI pooling, forward or both ways."""
    import torch
    from torchvision.ops import roi_pool

    images, height, width, channels, count, bins = map(int, words)
    x = torch.randn(images, channels, height, width, requires_grad=True)
    corners = torch.rand(images * count, 2, 2).sort(1).values
    size = torch.tensor([16.0 * width, 16.0 * height])
    boxes = (corners * size).reshape(-1, 4)
    rows = torch.arange(images).repeat_interleave(count)[:, None]
    regions = torch.cat([rows, boxes], 1)

    def work(word):
        if word == "forward":
            with torch.inference_mode():
                roi_pool(x, regions, bins, 1 / 16)
        else:
            x.grad = None
            (roi_pool(x, regions, bins, 1 / 16) ** 2).sum().backward()

    return work


def suppression(words):
    """Non-maximum suppression of boxes within 600x800."""
    import torch
    from torchvision.ops import nms

    count, kept = map(int, words)
    corners = torch.rand(count, 2, 2).sort(1).values
    boxes = (corners * torch.tensor([800.0, 600.0])).reshape(-1, 4)
    scores = torch.rand(count)

    def work(word):
        nms(boxes, scores, 0.7)[:kept]

    return work


def faster_rcnn():
    """VGG-16's thirteen convolutions, nine anchors, fc6 and fc7, at 600x800."""
    import torch
    import torchvision
    from torchvision.models.detection import FasterRCNN
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
    from torchvision.ops import MultiScaleRoIAlign

    body = torchvision.models.vgg16().features[:-1]
    body.out_channels = 512
    model = FasterRCNN(
        body,
        rpn_anchor_generator=AnchorGenerator(((128, 256, 512),), ((0.5, 1.0, 2.0),)),
        box_roi_pool=MultiScaleRoIAlign(["0"], 7, 2),
        box_head=TwoMLPHead(512 * 7 * 7, 4096),
        box_predictor=FastRCNNPredictor(4096, 21),
        min_size=600,
        max_size=800,
        rpn_pre_nms_top_n_train=12000,
        rpn_pre_nms_top_n_test=6000,
        rpn_post_nms_top_n_train=2000,
        rpn_post_nms_top_n_test=300,
        box_batch_size_per_image=128,
    )
    optimizer = torch.optim.SGD(model.parameters(), 1e-3, momentum=0.9)
    image = torch.rand(3, 600, 800)
    truth = {
        "boxes": torch.tensor([[50.0, 50, 300, 300], [400, 200, 700, 500]]),
        "labels": torch.tensor([1, 2]),
    }

    def work(word):
        if word == "detect":
            model.eval()
            with torch.inference_mode():
                model([image])
            return
        model.train()
        optimizer.zero_grad()
        sum(model([image], [truth]).values()).backward()
        optimizer.step()

    return work


def main():
    import torch
    import torchvision

    torch.manual_seed(0)
    kind, *words = sys.argv[sys.argv.index("--serve") + 1 :]
    make = {"pool": pooling, "suppress": suppression}
    work = make[kind](words) if kind in make else faster_rcnn()
    sides.serve(work, version=f"{torch.__version__}, {torchvision.__version__}")


if __name__ == "__main__":
    main()
