"""``python -m benchmarks``: the benchmarks that take minutes, one after the other."""

import importlib

QUICK = ("startup", "alexnet_step", "build", "precision", "input_pipeline", "search")


def main():
    for name in QUICK:
        print(f"== {name}", flush=True)
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
