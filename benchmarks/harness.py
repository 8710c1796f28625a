"""What every benchmark shares: turns, medians, ratios, the machine, one JSON file."""

import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

OURS = pathlib.Path(__file__).with_name("results")
# Another machine's figures go elsewhere.
RESULTS = pathlib.Path(os.environ.get("KERAZOO_RESULTS", OURS))
# What decides how fast a CPU multiplies, the best last.
INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


def turns(sides, *, repeats=7, warmup=1):
    """Times several callables in turns, so that a slow moment hits all of them.

    Args:
        sides: Callables by name; a callable may return its own measure (seconds, or
            anything of which the median makes sense), otherwise it is timed.
        repeats: Counted turns.
        warmup: Turns that do not count.

    Returns:
        ``{name: [measure of every counted turn]}``.
    """
    measures = {name: [] for name in sides}
    for turn in range(warmup + repeats):
        for name, side in sides.items():
            start = time.perf_counter()
            value = side()
            value = time.perf_counter() - start if value is None else value
            if turn >= warmup:
                measures[name].append(value)
    return measures


def summary(values):
    """Median and spread of a list of measures."""
    return {
        "median": statistics.median(values),
        "low": min(values),
        "high": max(values),
        "runs": len(values),
    }


def ratio(above, below):
    """Median and spread of the ratio turn by turn."""
    return summary([a / b for a, b in zip(above, below, strict=True)])


def machine():
    """Processor, cores and versions, as far as they matter."""
    names = ("keras", "tensorflow", "jax", "numpy", "keras-tuner")
    found = {d.name.lower(): d.version for d in importlib.metadata.distributions()}
    cpu = processor()
    flags = cpu.get("flags", "").split()
    return {
        "processor": cpu.get("model name", platform.processor()),
        "instructions": [name for name in INSTRUCTIONS if name in flags],
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{name: found.get(name) for name in names},
    }


def processor():
    """What Linux says of the first core."""
    path = pathlib.Path("/proc/cpuinfo")
    text = path.read_text().partition("\n\n")[0] if path.exists() else ""
    words = [line.partition(":") for line in text.splitlines()]
    return {key.strip(): value.strip() for key, _, value in words}


def earlier(name):
    """The rows that stand in ``NAME.json``, for a run that adds some.

    Raises:
        SystemExit: Where they are another machine's.
    """
    path = RESULTS / f"{name}.json"
    if not path.exists():
        return {}
    record, here = json.loads(path.read_text()), machine()
    for what in ("processor", "cores"):
        if record["machine"][what] != here[what]:
            raise SystemExit(
                f"{path} has the figures of another machine ({what} "
                f"{record['machine'][what]}, here {here[what]}); name a folder for "
                "those of this one in KERAZOO_RESULTS."
            )
    return record["result"]


def by_network(name, question, networks, measure, finish=lambda result: result):
    """Measures one network after the other and saves each; a failure costs no other.

    Args:
        name: The benchmark.
        question: What it asks.
        networks: Their names.
        measure: From a network to rows, which replace those of the same name.
        finish: From all results to what is saved.

    Raises:
        SystemExit: With the networks that failed, after all others.
    """
    import kerazoo

    result = earlier(name)
    failed = []
    for network in networks:
        print(network, flush=True)
        try:
            result[network] = result.get(network, {}) | measure(network)
        except (RuntimeError, subprocess.CalledProcessError) as error:
            print(error, flush=True)
            failed.append(network)
        else:
            # In the order of history.
            order = [model for model in kerazoo.list_models() if model in result]
            save(name, question, finish({model: result[model] for model in order}))
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


def train(command, run, measure="accuracy"):
    """Runs a ``kerazoo train`` command, continues it, or reads what it has left.

    Args:
        command: The words, without ``--run``.
        run: The run folder.
        measure: What of its metrics is wanted.

    Returns:
        The test's measure by its name, the ``epochs`` and the ``seconds`` of this call.
    """
    run = pathlib.Path(run)
    start = time.perf_counter()
    if not (run / "metrics.json").exists():
        words = [*command.split()[1:], "--run", str(run)]
        subprocess.run([sys.executable, "-m", "kerazoo", *words], check=True)
    return {
        measure: json.loads((run / "metrics.json").read_text()).get(measure),
        "epochs": len((run / "history.csv").read_text().splitlines()) - 1,
        "seconds": round(time.perf_counter() - start, 1),
    }


def save(name, question, result):
    """Writes ``NAME.json`` among the results and prints it."""
    record = {
        "question": question,
        "command": f"python -m benchmarks.{name}",
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        "result": result,
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n")
    print(json.dumps(result, indent=2))
