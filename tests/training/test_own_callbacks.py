"""Keras callbacks of one's own beside those of a training."""

import keras
import pytest


class Notes(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.epochs, self.logs, self.ended = [], [], 0

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(epoch)
        self.logs.append(dict(logs))

    def on_train_end(self, logs=None):
        self.ended += 1


def test_they_see_the_training_and_change_nothing(fit, tmp_path):
    notes = Notes()
    run = fit("epochs=3", callbacks=[notes])
    assert notes.epochs == [0, 1, 2] and notes.ended == 1
    assert [row["loss"] for row in notes.logs] == [row["loss"] for row in run.history]
    assert "val_accuracy" in notes.logs[0]
    plain = fit("epochs=3", run=tmp_path / "plain")
    losses = [row["loss"] for row in plain.history]
    assert losses == pytest.approx([row["loss"] for row in run.history], rel=1e-4)


def test_one_may_end_the_training(fit):
    class Enough(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    run = fit("epochs=9", callbacks=Enough())
    assert len(run.history) == 2 and run.finished


def test_early_stopping_of_ones_own(fit):
    """Beside a recipe's, of which alone the state keeps the memory."""
    stop = keras.callbacks.EarlyStopping("val_loss", min_delta=9.0, patience=1)
    run = fit("epochs=9", "early_stopping=5", callbacks=(one for one in [stop]))
    assert len(run.history) == 2


def test_a_resumed_training_begins_with_them_as_they_are(fit):
    fit("epochs=3", until=1)
    path = fit("epochs=3", until=1, overwrite=True).path
    (path / "metrics.json").unlink()
    notes = Notes()
    assert len(fit("epochs=3", callbacks=[notes]).history) == 3
    assert notes.epochs == [1, 2]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([print], "callbacks is .*; it must be a Callback"),
        ([Notes], "it must be a Callback; call it to make one"),
        (3, "callbacks is 3; it must be a Callback"),
        ("CSVLogger", "callbacks is 'CSVLogger'; it must be a list"),
        (
            [keras.callbacks.BackupAndRestore("backup")],
            "BackupAndRestore, which would put other weights",
        ),
    ],
)
def test_others_are_refused(fit, tmp_path, given, words):
    with pytest.raises(ValueError, match=words):
        fit(callbacks=given)
    assert not (tmp_path / "run").exists()
