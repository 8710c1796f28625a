"""The state of a training, saved so that it goes on bit for bit.

A state holds the model's variables (the generators of dropout among them), the
optimiser's and the metrics', the state of the callbacks, the history and the position:
epoch and step. Data need no state, for a batch is a function of (seed, epoch, step).
"""

import hashlib
import io
import json
import pathlib
import signal
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from kerazoo.files import write_atomic
from kerazoo.training.distribution import Distribution

# What Keras' callbacks remember from epoch to epoch, by their public attributes.
MEMORY = {
    "EarlyStopping": ("wait", "best", "best_epoch", "stopped_epoch", "best_weights"),
    "ReduceLROnPlateau": ("wait", "best", "cooldown_counter"),
}
KEPT = 2


class Interrupted(RuntimeError):
    """Training was asked to stop; its state is saved.

    Attributes:
        code: The exit status for a shell: 128 + the signal's number.
    """

    def __init__(self, number: int, epoch: int, step: int) -> None:
        super().__init__(
            f"Stopped by {signal.Signals(number).name} in epoch {epoch + 1} after step "
            f"{step}; the state is saved, and the same command goes on from there."
        )
        self.code = 128 + number


class Diverged(ArithmeticError):
    """The loss or a weight is no longer a number.

    Args:
        what: Which of them.
        epoch: The epoch, from 0.
        step: Steps of the epoch.
        rate: The learning rate.

    Attributes:
        code: The exit status for a shell, by which a launcher knows not to try again.
    """

    code = 4

    def __init__(self, what: str, epoch: int, step: int, rate: float) -> None:
        super().__init__(
            f"{what} is not a number in epoch {epoch + 1} at step {step} with learning "
            f"rate {rate:g}; the last good state is kept. Lower the rate, clip the "
            "gradients (optimizer.global_clipnorm) or normalise the input."
        )


class TrainState(keras.callbacks.Callback):
    """Saves the state of a training and puts it back.

    It must be the last callback: it records what the others remember.

    Args:
        folder: Where states are kept; the last two stay.
        steps_per_epoch: Batches of an epoch.
        steps: Training steps after which to stop, or ``None``.
        save_every: Steps between states; ``None`` saves at the end of an epoch and
            whenever that costs less than two percent of the time.
        until: Epochs after which the state is saved in any case, or ``None``.
        distribution: Who takes part. All workers save together, for reading the metrics
            takes all of them; the chief writes.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        *,
        steps_per_epoch: int,
        steps: int | None = None,
        save_every: int | None = None,
        until: int | None = None,
        distribution: Distribution | None = None,
    ) -> None:
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.steps_per_epoch = steps_per_epoch
        self.steps = steps
        self.save_every = save_every
        self.until = until
        self.distribution = distribution or Distribution()
        self.epoch = self.step = 0
        self.ended = False
        self.history: list[dict[str, Any]] = []
        self._others: list[keras.callbacks.Callback] = []
        self._metrics: list[np.ndarray] | None = None
        self._signal: int | None = None
        self._handlers: dict[int, Any] = {}
        self._saved = time.monotonic()
        self._cost = 0.0

    def watch(self, callbacks: Iterable[keras.callbacks.Callback]) -> None:
        """Names the callbacks whose memory belongs to the state."""
        self._others = [c for c in callbacks if type(c).__name__ in MEMORY]

    # What is saved -----------------------------------------------------------------

    def _variables(self):
        model = self.model
        return {
            "model": model.variables,
            "optimizer": model.optimizer.variables,
            "metrics": model.metrics_variables,
        }

    def save(self) -> None:
        """Writes the state; the one before the last is then deleted.

        Raises:
            Diverged: Where a variable is not a number; the older states stay.
        """
        start = time.monotonic()
        arrays: dict[str, np.ndarray] = {}
        notes: dict[str, Any] = {"epoch": self.epoch, "step": self.step}
        notes["ended"] = self.ended
        for group, variables in self._variables().items():
            notes[group] = [list(v.shape) for v in variables]
            for number, variable in enumerate(variables):
                value = keras.ops.convert_to_numpy(variable)
                # A good loss can hide the bad step that followed it.
                if group == "model" and not np.isfinite(value).all():
                    raise self._diverged(f"The weight {variable.path}")
                arrays[f"{group}/{number}"] = value
        notes["history"] = self.history
        notes["callbacks"] = []
        for number, callback in enumerate(self._others):
            memory = {name: getattr(callback, name, None) for name in _memory(callback)}
            for name, value in memory.items():
                if isinstance(value, list):
                    for place, array in enumerate(value):
                        arrays[f"callback/{number}/{name}/{place}"] = np.asarray(array)
                    memory[name] = len(value)
                elif value is not None:
                    memory[name] = float(value)
            notes["callbacks"].append(memory)
        file = io.BytesIO()
        text = np.frombuffer(json.dumps(notes).encode(), np.uint8)
        np.savez(file, notes=text, **arrays)  # type: ignore[arg-type]
        content = file.getvalue()
        total = self.epoch * self.steps_per_epoch + self.step
        name = f"step-{total:09d}-{hashlib.sha256(content).hexdigest()[:16]}.npz"
        if self.distribution.chief:
            write_atomic(self.folder / name, content)
            for old in self._states()[KEPT:]:
                old.unlink()
        self._saved = time.monotonic()
        self._cost = self._saved - start

    def _states(self):
        """The states, newest first."""
        return sorted(self.folder.glob("step-*.npz"), reverse=True)

    # What is put back --------------------------------------------------------------

    def restore(self, model: keras.Model) -> bool:
        """Puts the newest sound state back into a compiled and built model.

        Returns:
            Whether there was one. ``epoch`` and ``step`` say where training goes on.

        Raises:
            ValueError: Where the state belongs to another network.
        """
        self.set_model(model)
        for path in self._states():
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                continue  # The chief has just set it aside.
            if hashlib.sha256(content).hexdigest()[:16] != path.stem[-16:]:
                # Set aside: a later state must not be taken for older than it.
                if self.distribution.chief:
                    path.rename(path.with_name(f"damaged-{path.name}"))
                print(
                    f"{path} is damaged; training resumes from the newest sound state "
                    "before it, or begins anew.",
                    file=sys.stderr,
                )
                continue
            self._put_back(np.load(io.BytesIO(content), allow_pickle=False), path)
            return True
        return False

    def _put_back(self, arrays, path):
        notes = json.loads(bytes(arrays["notes"]))
        groups = self._variables()
        for group, variables in groups.items():
            if notes[group] != [list(v.shape) for v in variables]:
                raise ValueError(
                    f"{path} is the state of another network or optimiser; give "
                    "another run folder."
                )
        for group in ("model", "optimizer"):
            for number, variable in enumerate(groups[group]):
                variable.assign(arrays[f"{group}/{number}"])
        self.epoch, self.step = notes["epoch"], notes["step"]
        if self.step:
            # At an epoch's end they are the validation's.
            count = len(groups["metrics"])
            self._metrics = [arrays[f"metrics/{number}"] for number in range(count)]
        self.ended = notes["ended"]
        self.history = notes["history"]
        self._memories = []
        for number, memory in enumerate(notes["callbacks"]):
            for name in memory:
                if name == "best_weights" and memory[name] is not None:
                    memory[name] = [
                        arrays[f"callback/{number}/{name}/{place}"]
                        for place in range(int(memory[name]))
                    ]
            self._memories.append(memory)

    # What Keras calls --------------------------------------------------------------

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Gives the other callbacks their memory back and listens for signals."""
        for callback, memory in zip(
            self._others, getattr(self, "_memories", ()), strict=False
        ):
            for name, value in memory.items():
                integer = isinstance(getattr(callback, name, None), int)
                setattr(callback, name, int(value) if integer else value)
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._handlers[number] = signal.signal(number, self._note)

    def _note(self, number, frame):
        # A second Ctrl-C means it.
        if self._signal is not None:
            self.release()
            raise KeyboardInterrupt
        self._signal = number

    def release(self) -> None:
        """Gives the signals back to whoever had them."""
        while self._handlers:
            signal.signal(*self._handlers.popitem())

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Puts the sums of a resumed epoch's metrics back."""
        self.epoch, self._first = epoch, self.step
        if self._metrics is not None:
            for variable, value in zip(
                self.model.metrics_variables, self._metrics, strict=True
            ):
                variable.assign(value)
            self._metrics = None

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Counts the step; saves where it is time; stops where it must."""
        before, self.step = self.step, self._first + batch + 1
        total = self.epoch * self.steps_per_epoch + self.step
        last = self.step == self.steps_per_epoch
        due = last or self.step // 10 > before // 10
        if due and not np.isfinite(float((logs or {})["loss"])):
            raise self._diverged("The loss")
        if self.steps is not None and total >= self.steps:
            self.model.stop_training = True
        # After the last step the epoch's end saves, with the validation in the history.
        elif last:
            return
        else:
            # Workers ask each other at steps that all of them know.
            asks = due or self.distribution.workers == 1
            number, late = self._agree(60.0) if asks else (0, False)
            if number or self._time_to_save(total, self.step - before, late):
                self.save()
            if number:
                raise Interrupted(number, self.epoch, self.step)

    def _agree(self, seconds):
        """The signal that any worker was sent, and whether any should save."""
        late = time.monotonic() - self._saved > max(seconds, 50 * self._cost)
        number, late = self.distribution.gather(self._signal or 0, late).max(0)
        return int(number), bool(late)

    def _diverged(self, what):
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        return Diverged(what, self.epoch, self.step, rate)

    def _time_to_save(self, total, steps, late):
        if self.save_every:
            return total // self.save_every > (total - steps) // self.save_every
        return late

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes the epoch and saves the state at its end."""
        row = {"epoch": epoch + 1, **{k: float(v) for k, v in (logs or {}).items()}}
        self.history.append(row)
        steps, self.epoch, self.step = self.step, epoch + 1, 0
        self.ended = self.model.stop_training
        number, late = self._agree(5.0)
        due = self.ended or self.save_every or self.epoch == self.until
        if due or number or late:
            self.save()
        if number:
            raise Interrupted(number, epoch, steps)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Stops listening for signals."""
        self.release()


def _memory(callback):
    return MEMORY[type(callback).__name__]
