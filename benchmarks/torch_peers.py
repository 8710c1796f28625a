"""The peers' side of ``benchmarks.peers``: random weights in a file, and their logits.

Needs neither Keras nor us, but PyTorch and the libraries of the peers. Statistics of
batch norms are random too, and some gammas negative: with fresh ones another epsilon,
or another order of pooling and ReLU, would not be seen.
"""

import pathlib
import sys

import numpy as np


def create(library, name, classes):
    """A peer's network, in inference."""
    if library == "torchvision":
        import torchvision

        heads = {"aux_logits": True} if "inception" in name or "google" in name else {}
        model = getattr(torchvision.models, name)(
            weights=None, **heads, **({"init_weights": False} if heads else {})
        )
        # With its published weights it maps ImageNet's mean and deviation back; what
        # the network itself sees is compared here.
        model.transform_input = False
    elif library == "timm":
        import timm

        model = timm.create_model(name, pretrained=False)
    elif library == "facenet_pytorch":
        from facenet_pytorch import InceptionResnetV1

        model = InceptionResnetV1(classify=True, num_classes=classes)
    else:
        from pytorchcv.model_provider import get_model

        model = get_model(name, pretrained=False)
    return model.eval()


def randomise(model, seed=0):
    import torch

    generator = torch.Generator().manual_seed(seed)

    def normal(like, deviation):
        return torch.randn(like.shape, generator=generator) * deviation

    def uniform(like, low, high):
        return torch.rand(like.shape, generator=generator) * (high - low) + low

    # Of two hundred residual units float32 holds the sum only where each adds little.
    units = sum("BatchNorm" in type(m).__name__ for m in model.modules())
    for module in model.modules():
        kind = type(module).__name__
        if kind in ("Conv2d", "Linear"):
            fan_in = module.weight[0].numel()
            module.weight.data = normal(module.weight, (1.5 / fan_in) ** 0.5)
            if module.bias is not None:
                module.bias.data = normal(module.bias, 0.1)
        elif "BatchNorm" in kind:
            gamma = uniform(module.weight, 0.6, 1.4) * (0.3 if units > 400 else 1)
            sign = (uniform(module.weight, 0, 1) > 0.15) * 2.0 - 1
            module.weight.data = gamma * sign
            module.bias.data = normal(module.bias, 0.2)
            module.running_mean.data = normal(module.running_mean, 0.2)
            module.running_var.data = uniform(module.running_var, 0.5, 1.5)
    return model


def main():
    import torch

    folder, library, name, classes, *sizes = sys.argv[1:]
    folder = pathlib.Path(folder)
    model = randomise(create(library, name, int(classes)))
    torch.save(model.state_dict(), folder / "peer.pth")
    found = {}
    for size in sizes:
        height, width = map(int, size.split("x"))
        rng = np.random.default_rng(height + width)
        images = rng.normal(size=(2, height, width, 3)).astype("float32")
        with torch.inference_mode():
            logits = model(torch.from_numpy(images.transpose(0, 3, 1, 2).copy()))
        found[f"images {size}"] = images
        found[f"logits {size}"] = logits.numpy()
    np.savez(folder / "peer.npz", **found)


if __name__ == "__main__":
    main()
