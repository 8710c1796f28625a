"""torchvision's networks in bfloat16 with channels last; needs neither Keras nor us."""

import functools
import sys

from benchmarks import sides


def main():
    import torch
    import torchvision

    *_, network, task = sys.argv
    model = getattr(torchvision.models, network)()
    model = model.to(memory_format=torch.channels_last)
    size = 299 if network == "inception_v3" else 224

    @functools.cache
    def images(batch):
        x = torch.randn(int(batch), 3, size, size)
        return x.to(memory_format=torch.channels_last)

    if task == "inference":
        model.eval()

        def work(batch):
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
                model(images(batch))
    else:
        optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
        loss = torch.nn.CrossEntropyLoss()

        def work(batch):
            x, y = images(batch), torch.randint(1000, (int(batch),))
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16):
                scores = model(x)
                # Inception gives its auxiliary scores too.
                heads = scores if isinstance(scores, tuple) else [scores]
                total = sum(loss(head, y) for head in heads)
            total.backward()
            optimizer.step()

    sides.serve(work, version=f"{torch.__version__}, {torchvision.__version__}")


if __name__ == "__main__":
    main()
