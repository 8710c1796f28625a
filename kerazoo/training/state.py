"""The state of a training, saved so that it goes on bit for bit.

A state holds the model's variables (the generators of dropout among them), the
optimiser's and the metrics', the state of the callbacks, the history and the position:
epoch and step. Data need no state, for a batch is a function of (seed, epoch, step).
"""

import hashlib
import io
import json
import math
import pathlib
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np

from kerazoo.files import write_atomic
from kerazoo.run import SavedState, list_states, read_state
from kerazoo.training.best_weights import BestWeights, served_variables
from kerazoo.training.distribution import Distribution

# What callbacks remember from epoch to epoch, by their public attributes.
MEMORY = {
    "BestWeights": ("best", "best_epoch", "best_weights"),
    "EarlyStopping": ("wait", "best", "best_epoch", "stopped_epoch", "best_weights"),
    "ReduceLROnPlateau": ("wait", "best", "cooldown_counter"),
    "StepValidation": ("seen_loss", "seen_images"),
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
        run: The run's folder; in its ``state`` the last two states are kept.
        network: Describes the served network, without its weights, as JSON.
        steps_per_epoch: Batches of an epoch.
        steps: Training steps after which to stop, or ``None``.
        save_every: Steps between states; ``None`` saves at the end of an epoch and
            whenever that costs less than two percent of the time.
        until: Epochs after which the state is saved in any case, or ``None``.
        keep: Whether a state from which a longer training goes on is kept at the end.
        distribution: Who takes part. All workers save together, for reading the metrics
            takes all of them; the chief writes.
    """

    def __init__(
        self,
        run: pathlib.Path,
        network: Callable[[], str],
        *,
        steps_per_epoch: int,
        steps: int | None = None,
        save_every: int | None = None,
        until: int | None = None,
        keep: bool = False,
        distribution: Distribution | None = None,
    ) -> None:
        super().__init__()
        self.run = pathlib.Path(run)
        self.network = network
        self.steps_per_epoch = steps_per_epoch
        self.steps = steps
        self.save_every = save_every
        self.until = until
        self.keep = keep
        self.distribution = distribution or Distribution()
        self.epoch = self.step = 0
        self.ended = False
        self.history: list[dict[str, Any]] = []
        self.step_history: list[dict[str, float]] = []
        self._others: list[keras.callbacks.Callback] = []
        self._memories: list[dict[str, Any]] = []
        self._metrics: list[np.ndarray] | None = None
        self._signal: int | None = None
        self._handlers: dict[int, Any] = {}
        self._saved = time.monotonic()
        self._cost = 0.0

    def watch(self, callbacks: Iterable[keras.callbacks.Callback]) -> None:
        """Names the callbacks whose memory belongs to the state."""
        self._others = [c for c in callbacks if type(c).__name__ in MEMORY]

    @property
    def best(self) -> keras.callbacks.Callback | None:
        """The callback that watches the validation loss for the best epoch."""
        for callback in self._others:
            if isinstance(callback, BestWeights):
                return callback
        for callback in self._others:
            watches = getattr(callback, "monitor", None) == "val_loss"
            if isinstance(callback, keras.callbacks.EarlyStopping) and watches:
                return callback
        return None

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
        served = self._served()
        start = time.monotonic()
        arrays: dict[str, np.ndarray] = {}
        notes: dict[str, Any] = {
            "epoch": self.epoch,
            "step": self.step,
            "total": self._total,
            "steps": self.steps,
            "ended": self.ended,
            "served": served,
        }
        for group, variables in self._variables().items():
            notes[group] = [list(v.shape) for v in variables]
            for number, variable in enumerate(variables):
                value = keras.ops.convert_to_numpy(variable)
                # A good loss can hide the bad step that followed it.
                if group == "model" and not np.isfinite(value).all():
                    raise self._diverged(f"The weight {variable.path}")
                arrays[f"{group}/{number}"] = value
        notes["history"] = self.history
        notes["step_history"] = self.step_history
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
        name = f"step-{self._total:09d}-{hashlib.sha256(content).hexdigest()[:16]}.npz"
        if self.distribution.chief:
            write_atomic(self.run / "state" / name, content)
            for old in list_states(self.run)[KEPT:]:
                old.unlink()
        self._saved = time.monotonic()
        self._cost = self._saved - start

    @property
    def _total(self):
        """Steps since the beginning."""
        return self.epoch * self.steps_per_epoch + self.step

    def _served(self):
        """The served network, and which arrays of the state are its layers' weights."""
        model = self.model
        places = {
            id(variable): f"{group}/{number}"
            for group, variables in self._variables().items()
            for number, variable in enumerate(variables)
        }
        last = [places[id(variable)] for variable in served_variables(model)]
        best = None
        if self.best is not None and self.best.best_weights is not None:
            place = f"callback/{self._others.index(self.best)}/best_weights"
            best = [f"{place}/{number}" for number in range(len(last))]
        numbers = {id(weight): n for n, weight in enumerate(model.weights)}
        return {
            "network": self.network(),
            **{
                name: found
                and {
                    layer.name: [found[numbers[id(w)]] for w in layer.weights]
                    for layer in model.layers
                }
                for name, found in (("last", last), ("best", best))
            },
        }

    def settle(self, keep: bool) -> None:
        """Deletes the states when all results are written.

        Args:
            keep: Whether the one stays that a longer training needs: the newest that is
                no epoch that ``steps`` cut short.
        """
        if not keep:
            shutil.rmtree(self.run / "state", ignore_errors=True)
            return
        needed = None
        for path in list_states(self.run):
            state = read_state(path)
            if needed is None and state is not None and not _cut_short(state):
                needed = path
            else:
                path.unlink()

    # What is put back --------------------------------------------------------------

    def restore(
        self, model: keras.Model, begin: Callable[[int], None] = lambda epoch: None
    ) -> bool:
        """Puts the newest sound state back into a compiled and built model.

        Args:
            model: The model.
            begin: Compiles and builds it for the phase of the epoch that it is told,
                from 0: the last that the state has steps of.

        Returns:
            Whether there was one. ``epoch`` and ``step`` say where training goes on.

        Raises:
            ValueError: Where the state belongs to another network.
        """
        self.set_model(model)
        for path in list_states(self.run):
            try:
                state = read_state(path)
            except FileNotFoundError:
                continue  # The chief has just set it aside.
            if state is None:
                # Set aside: a later state must not be taken for older than it.
                if self.distribution.chief:
                    path.rename(path.with_name(f"damaged-{path.name}"))
                print(
                    f"{path} is damaged; training resumes from the newest sound state "
                    "before it, or begins anew.",
                    file=sys.stderr,
                )
            elif self._fits(state):
                notes = state.notes
                begin(notes["epoch"] if notes["step"] else max(0, notes["epoch"] - 1))
                self._put_back(state)
                return True
        return False

    def _fits(self, state):
        """Whether training can go on from a state, with the steps that it has now."""
        if _cut_short(state):
            return not self._longer(state)
        total, steps = state.notes.get("total", 0), self.steps or math.inf
        # The last step of an epoch that is cut short, kept for a longer training.
        return state.notes["ended"] or not state.notes["step"] or total < steps

    def _longer(self, state):
        """Whether the training ended by its steps then, and has more of them now."""
        before = state.notes.get("steps")
        return before is not None and state.notes["total"] >= before != self.steps

    def _put_back(self, state):
        notes, arrays = state.notes, state.arrays
        groups = self._variables()
        for group, variables in groups.items():
            if notes[group] == [list(v.shape) for v in variables]:
                continue
            if group != "metrics":
                raise ValueError(
                    f"{state.path} is the state of another network or optimiser; give "
                    "another run folder."
                )
            if notes["step"]:
                raise ValueError(
                    f"{state.path} was saved within an epoch by another version, whose "
                    "metrics were others; finish the run with that version, or begin "
                    "anew (--overwrite)."
                )
        for group in ("model", "optimizer"):
            for number, variable in enumerate(groups[group]):
                variable.assign(arrays[f"{group}/{number}"])
        self.epoch, self.step = notes["epoch"], notes["step"]
        if self.step:
            # At an epoch's end they are the validation's.
            count = len(groups["metrics"])
            self._metrics = [arrays[f"metrics/{number}"] for number in range(count)]
        self.ended = notes["ended"] and not self._longer(state)
        self.history = notes["history"]
        self.step_history = notes.get("step_history", [])
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
        memories = list(self._memories)
        for callback in self._others:
            # By what they remember: an earlier version had fewer callbacks.
            fitting = [one for one in memories if set(one) == set(_memory(callback))]
            for name, value in fitting[0].items() if fitting else ():
                integer = isinstance(getattr(callback, name, None), int)
                setattr(callback, name, int(value) if integer else value)
            if fitting:
                memories.remove(fitting[0])
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
        total = self._total
        last = self.step == self.steps_per_epoch
        due = last or self.step // 10 > before // 10
        if due and not np.isfinite(float((logs or {})["loss"])):
            raise self._diverged("The loss")
        if self.steps is not None and total >= self.steps:
            self.model.stop_training = True
            if self.keep and not last:
                self.save()
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
        due = due or (self.keep and self.epoch == self.params["epochs"])
        if due or number or late:
            self.save()
        if number:
            raise Interrupted(number, epoch, steps)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Stops listening for signals."""
        self.release()


def _memory(callback):
    return MEMORY[type(callback).__name__]


def _cut_short(state: SavedState) -> bool:
    """Whether it is the end of an epoch that the last of ``steps`` came before."""
    steps = state.notes.get("steps")
    return state.notes["ended"] and steps is not None and state.notes["total"] > steps
