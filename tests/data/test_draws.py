"""The keyed random numbers: known values, uniformity, independence of neighbours."""

import numpy as np
import tensorflow as tf

from kerazoo.data import draws


def splitmix64(state):
    """The generator of the paper in Python's integers."""
    mask = 2**64 - 1
    state = (state + 0x9E3779B97F4A7C15) & mask
    z = state
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return z ^ (z >> 31)


def test_mixes_as_published():
    # The first output of SplitMix64 seeded with 1234567, as in Vigna's C code.
    assert splitmix64(1234567) == 6457827717110365317
    states = [0, 1, 1234567, 2**64 - 1]
    expected = [splitmix64(state) for state in states]
    with np.errstate(over="ignore"):
        numbers = np.array(states, "uint64") + np.uint64(draws.GOLDEN)
    assert draws.mix(numbers).tolist() == expected
    assert draws.mix(tf.constant(numbers)).numpy().tolist() == expected


def test_permutation_holds_everyone_once_and_depends_on_seed_and_epoch():
    orders = {
        (seed, epoch): draws.permutation(1000, seed, epoch)
        for seed in (-1, 0, 1)
        for epoch in (-1, 0, 1)
    }
    for order in orders.values():
        assert sorted(order) == list(range(1000))
    assert len({tuple(order) for order in orders.values()}) == 9
    # A fixed point is expected once in an order.
    assert sum((order == np.arange(1000)).sum() for order in orders.values()) < 30


def test_permutation_never_changes():
    """Saved runs resume in the order in which they began."""
    assert draws.permutation(10, 0, 0).tolist() == [6, 4, 8, 2, 3, 9, 5, 1, 0, 7]


def numbers(seed=0, epoch=0, place=0, size=20000, count=4):
    index = tf.range(size, dtype=tf.int64)
    return draws.uniform(
        seed, tf.constant(epoch, tf.int64), index, place, count
    ).numpy()


def test_uniform_in_every_column():
    table = numbers()
    assert table.dtype == np.float32 and table.min() >= 0 and table.max() < 1
    bins = np.stack([np.histogram(column, 16, (0, 1))[0] for column in table.T])
    chi_square = ((bins - 1250) ** 2 / 1250).sum(1)
    # 15 degrees of freedom: 50 is exceeded once in 80,000 columns.
    assert chi_square.max() < 50


def test_keys_are_independent():
    base = numbers().ravel()
    for other in (numbers(seed=1), numbers(epoch=1), numbers(place=1)):
        assert abs(np.corrcoef(base, other.ravel())[0, 1]) < 0.02
    table = numbers()
    assert np.abs(np.corrcoef(table.T) - np.eye(4)).max() < 0.04
    assert abs(np.corrcoef(table[1:, 0], table[:-1, 0])[0, 1]) < 0.04


def test_depends_on_the_number_of_the_example_and_not_on_its_row():
    some = tf.constant([17, 3], tf.int64)
    rows = draws.uniform(0, tf.constant(0, tf.int64), some, 0, 4).numpy()
    assert (rows == numbers(size=20)[[17, 3]]).all()
