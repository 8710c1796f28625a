"""How long until kerazoo answers, beside Keras alone?"""

import subprocess
import sys
import time

from benchmarks import harness

SIDES = {
    "python": "pass",
    "import kerazoo": "import kerazoo",
    "kerazoo list": "import sys; sys.argv = ['kerazoo', 'list']; "
    "import kerazoo.cli as c\ntry: c.main()\nexcept SystemExit: pass",
    "kerazoo --help": "import sys; sys.argv = ['kerazoo', '--help']; "
    "import kerazoo.cli as c\ntry: c.main()\nexcept SystemExit: pass",
    "import keras": "import keras",
}
BUILD = """
import time, keras
{setup}
start = time.perf_counter()
{build}
print(time.perf_counter() - start)
"""


def run(code):
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.perf_counter() - start


def first_build(setup, build):
    code = BUILD.format(setup=setup, build=build)
    out = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    return float(out.stdout)


def main():
    sides = {name: lambda code=code: run(code) for name, code in SIDES.items()}
    sides["first alexnet() after import"] = lambda: first_build(
        "from kerazoo import alexnet", "alexnet()"
    )
    sides["first keras.applications.VGG16()"] = lambda: first_build(
        "", "keras.applications.VGG16(weights=None)"
    )
    measures = harness.turns(sides, repeats=5)
    result = {f"seconds: {k}": harness.summary(v) for k, v in measures.items()}
    result["ratio: kerazoo list / import keras"] = harness.ratio(
        measures["kerazoo list"], measures["import keras"]
    )
    harness.save("startup", __doc__, result)


if __name__ == "__main__":
    main()
