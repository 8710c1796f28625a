"""The curves, and the network's graph."""

from typing import Any

import keras
import tensorflow as tf

from kerazoo.surgery.graph import Graph


class Scalars(keras.callbacks.Callback):
    """Writes loss and metrics of every epoch, as Keras tags them, and the graph.

    ``keras.callbacks.TensorBoard`` does so with writers of its own, and TensorBoard
    follows one writer of a run. Its page begins with these curves, for no other tag of
    kerazoo sorts before ``epoch_``.

    Args:
        writer: A writer of ``tf.summary`` for training.
        validation_writer: One for validation.
    """

    def __init__(self, writer: Any, validation_writer: Any) -> None:
        super().__init__()
        self.writer, self.validation_writer = writer, validation_writer

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        with self.writer.as_default(step=0):
            tf.summary.graph(layer_graph(self.model))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        for name, value in (logs or {}).items():
            of_validation = name.startswith("val_")
            writer = self.validation_writer if of_validation else self.writer
            with writer.as_default(step=epoch + 1):
                tf.summary.scalar(f"epoch_{name.removeprefix('val_')}", value)


def layer_graph(model: keras.Model) -> tf.compat.v1.GraphDef:
    """The layers of a network as TensorBoard draws a graph, shapes at its edges.

    It draws Keras' own description only where somebody asks for it, and none of a
    network with several heads.
    """
    graph, drawn = Graph(model), tf.compat.v1.GraphDef()
    for layer in graph.model.layers:
        node = drawn.node.add(name=layer.name, op=type(layer).__name__)
        node.input.extend(graph.sources(layer.name))
        shape = tf.TensorShape([None, *graph.shapes[layer.name]])
        node.attr["_output_shapes"].list.shape.append(shape.as_proto())
    return drawn
