"""A network as slides draw it: blocks and their sizes, a line a stage."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import keras

from kerazoo import reader
from kerazoo.analysis.steps import DROPOUTS, MERGES, Step, steps_of
from kerazoo.errors import unknown

# They are written beside the step that they belong to.
BESIDE = ("batch norm", "activation", *DROPOUTS.values())
SHORT = {
    "convolution": "conv",
    "depthwise convolution": "depthwise",
    "transposed convolution": "transposed",
    "max pooling": "max pool",
    "average pooling": "average pool",
    "global average pooling": "global average",
    "global max pooling": "global max",
    "LocalResponseNormalization": "LRN",
    "batch norm": "BN",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Box:
    """A step of a drawing with what belongs to it.

    Attributes:
        key: The key of the step.
        layer: The layer that does it.
        kind: As of a :class:`kerazoo.analysis.steps.Step`.
        words: What it is, as in ``3x3 conv, 64, /2``.
        beside: What stands before or after it: ``BN``, ``relu``, ``dropout 0.5``.
        sources: The keys of the boxes that it reads.
        shape: Of its output, without the batch.
    """

    key: str
    layer: str
    kind: str
    words: str
    beside: tuple[str, ...]
    sources: tuple[str, ...]
    shape: tuple[int | None, ...]

    def alike(self) -> tuple:
        """What two boxes have in common that are drawn as one."""
        return self.kind, self.words, self.beside


@dataclasses.dataclass(frozen=True, kw_only=True)
class Block:
    """Boxes that fork and meet again, or one box alone.

    Attributes:
        name: What the names of its layers have in common.
        title: As in ``residual block``; of a box alone nothing.
        boxes: All of them; the last is the one in which all meet.
        entry: The key of what they all begin with; ``None`` where that is the image.
        times: How often it follows on itself.
        shape: Of its output, without the batch.
    """

    name: str
    title: str
    boxes: tuple[Box, ...]
    entry: str | None
    times: int
    shape: tuple[int | None, ...]

    @property
    def chains(self) -> tuple[tuple[Box, ...], ...]:
        """Its boxes in chains: one ends where branches meet, or where another forks.

        The last box of all is in none of them, where more than one is.
        """
        known = {one.key: one for one in self.boxes}
        found: list[tuple[Box, ...]] = []
        seen: set[str] = set()
        todo = list(reversed(self.boxes[-1].sources))
        while todo:
            source, chain = todo.pop(), list[Box]()
            while source in known and source not in seen:
                seen.add(source)
                box = known[source]
                chain.append(box)
                sources = _cut_by(box)
                if len(sources) != 1:
                    todo += reversed([one for one in sources if one in known])
                    break
                (source,) = sources
            if chain:
                found.append(tuple(reversed(chain)))
        order = {one.key: number for number, one in enumerate(self.boxes)}
        placed: list[tuple[Box, ...]] = []
        for boxes in sorted(found, key=lambda one: order[one[0].key]):
            # One that forks off stands below the chain that it leaves.
            sources = _cut_by(boxes[0])
            left = set(sources) if len(sources) == 1 else set()
            above = [n for n, one in enumerate(placed) if left & {b.key for b in one}]
            placed.insert(above[0] + 1 if above else len(placed), boxes)
        return tuple(placed)

    def alike(self) -> tuple:
        """What two blocks have in common that are drawn as one."""
        order = {one.key: number for number, one in enumerate(self.boxes)}
        edges = tuple(
            tuple(order.get(source, -1) for source in one.sources) for one in self.boxes
        )
        return tuple(one.alike() for one in self.boxes), edges


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stage:
    """The blocks whose outputs are of one size.

    Attributes:
        grid: Height and width; nothing for vectors.
        blocks: The blocks in their order.
    """

    grid: tuple[int | None, ...]
    blocks: tuple[Block, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Diagram:
    """What a drawing of a network shows.

    Attributes:
        name: The network's name.
        images: ``(height, width, channels)`` of its images.
        stages: Its stages in their order.
        modules: Its different blocks that fork, by name.
        parameters: All of its weights.
    """

    name: str
    images: tuple[int | None, ...]
    stages: tuple[Stage, ...]
    modules: Mapping[str, Block]
    parameters: int


@reader.checked
def diagram(model: keras.Model) -> Diagram:
    """A network as blocks and stages.

    The way from the image to the scores is cut where no branch passes by; what lies
    between two cuts is a layer or a block. Blocks that are alike and follow on each
    other are one, with the number of times.

    Args:
        model: A functional or sequential model, as every builder of kerazoo returns.

    Raises:
        ValueError: Where the model has no graph, or uses a layer twice.
    """
    boxes = _boxes(_to_the_end(steps_of(model)))
    blocks = _blocks(boxes)
    modules: dict[str, Block] = {}
    known = set()
    for one in blocks:
        if len(one.boxes) > 1 and one.alike() not in known:
            known.add(one.alike())
            modules[one.name] = one
    stages: list[Stage] = []
    for one in _repeated(blocks):
        is_map = len(one.shape) == 3 and "Region" not in one.boxes[-1].kind
        grid = one.shape[:2] if is_map else ()
        if stages and stages[-1].grid == grid:
            stages[-1] = Stage(grid=grid, blocks=(*stages[-1].blocks, one))
        else:
            stages.append(Stage(grid=grid, blocks=(one,)))
    entries = keras.tree.flatten(model.input)
    images = next((one for one in entries if len(one.shape) == 4), entries[0])
    return Diagram(
        name=model.name,
        images=tuple(images.shape[1:]),
        stages=tuple(stages),
        modules=modules,
        parameters=model.count_params(),
    )


@reader.checked
def module(model: keras.Model, name: str | None = None) -> Block:
    """One block of a network that forks: an inception module, a residual block.

    Args:
        model: As for :func:`diagram`.
        name: The block's name, as in ``inception_3a`` or ``stage2_block1``; by default
            the first.

    Raises:
        ValueError: Where there is none of that name, or none at all.
    """
    blocks = _blocks(_boxes(_to_the_end(steps_of(model))))
    found = {one.name: one for one in blocks if len(one.boxes) > 1}
    if not found:
        raise ValueError(
            f"{model.name} has no block that forks; draw the whole network."
        )
    if name is None:
        return next(iter(found.values()))
    if name not in found:
        raise unknown(f"block of {model.name}", name, found)
    return found[name]


def _to_the_end(steps: Mapping[str, Step]) -> dict[str, Step]:
    """The steps on the way to the scores, without auxiliary heads."""
    read = {source for one in steps.values() for source in one.sources}
    todo = [key for key in steps if key not in read]
    main = [key for key in todo if steps[key].layer == "predictions"]
    way: set[str] = set()
    todo = main or todo
    while todo:
        key = todo.pop()
        if key not in way:
            way.add(key)
            todo += steps[key].sources
    return {key: one for key, one in steps.items() if key in way}


def _boxes(steps: Mapping[str, Step]) -> list[Box]:
    """Steps with the batch norms and activations that follow on them alone."""
    readers: dict[str, list[str]] = {}
    for key, step in steps.items():
        for source in step.sources:
            readers.setdefault(source, []).append(key)
    # The box that a step is part of.
    part: dict[str, str] = {}
    notes: dict[str, list[str]] = {}
    for key, step in steps.items():
        part[key] = key
        if step.kind not in BESIDE or len(step.sources) != 1:
            continue
        (source,) = step.sources
        owner = part[source]
        # A sum is no place for a batch norm, which is that of what follows.
        merges = steps[owner].kind in MERGES and step.kind != "activation"
        if len(readers[source]) == 1 and not merges:
            part[key] = owner
            notes.setdefault(owner, []).append(_note(step))
    found: list[Box] = []
    for key, step in steps.items():
        if part[key] != key:
            continue
        before = step.sources[0] if len(step.sources) == 1 else ""
        if _is_separable(steps, notes, readers, before, step):
            # By channel first, then across channels: one, as its papers draw it.
            depth = found.pop(next(n for n, b in enumerate(found) if b.key == before))
            words = depth.words.replace(SHORT["depthwise convolution"], "separable")
            size, _, stride = words.partition(", ")
            count = f"{size}, {_count(step.details['filters'])}"
            found.append(
                dataclasses.replace(
                    depth,
                    key=key,
                    kind=step.kind,
                    words=f"{count}, {stride}" if stride else count,
                    beside=tuple(notes.get(key, ())),
                    shape=step.shape,
                )
            )
            continue
        found.append(
            Box(
                key=key,
                layer=step.layer,
                kind=step.kind,
                words=_words(step),
                beside=tuple(notes.get(key, ())),
                sources=tuple(dict.fromkeys(part[one] for one in step.sources)),
                shape=step.shape,
            )
        )
    return found


def _is_separable(steps, notes, readers, before, step):
    """Whether a step and the one before are the halves of a separable convolution."""
    return (
        before in steps
        and steps[before].kind == "depthwise convolution"
        and step.kind == "convolution"
        and step.details["kernel"] == "1x1"
        and before not in notes
        and len(readers[before]) == 1
    )


def _note(step):
    if step.kind == "activation":
        return str(step.details["function"]).partition(" shared")[0]
    if "rate" in step.details:
        return f"dropout {step.details['rate']:g}"
    return SHORT.get(step.kind, step.kind)


def _words(step: Step) -> str:
    details, kind = step.details, SHORT.get(step.kind, step.kind)
    if step.kind in BESIDE:
        return _note(step)
    if step.kind == "dense layer":
        return f"dense, {details['units']:,}"
    if step.kind == "Rescaling":
        return f"times {details['scale']:g}"
    size = details.get("kernel") or details.get("window")
    if step.kind == "TableConv2D":
        return f"table conv, {step.shape[-1]}"
    words = f"{size} {kind}" if size else kind
    if "filters" in details:
        words += f", {_count(details['filters'])}"
    stride = details.get("stride", "1x1")
    if stride != "1x1":
        down, across = stride.split("x")
        words += f", /{down if down == across else stride}"
    if details.get("groups", 1) > 1:
        words += f", {details['groups']} groups"
    if "dilation" in details:
        words += f", dilated {details['dilation'].partition('x')[0]}"
    return words


def _count(value):
    return f"{value:,}" if isinstance(value, int) else str(value)


def _blocks(boxes: Sequence[Box]) -> list[Block]:
    """The boxes between the cuts, where no edge passes by."""
    place = {one.key: number for number, one in enumerate(boxes)}
    latest: dict[str, int] = {}
    for one in boxes:
        for source in _cut_by(one):
            latest[source] = max(latest.get(source, 0), place[one.key])
    found: list[Block] = []
    inside: list[Box] = []
    furthest, entry = 0, None
    # What the image itself is read by, again and again.
    starts = [number for number, one in enumerate(boxes) if not one.sources]
    first = starts[-1] if starts else 0
    for number, one in enumerate(boxes):
        inside.append(one)
        if furthest <= number and number >= first:
            found.append(_block(inside, entry))
            inside, entry = [], one.key
        furthest = max(furthest, latest.get(one.key, 0))
    if inside:
        found.append(_block(inside, entry))
    return found


def _cut_by(box):
    """What a box reads that is no cut; the places of maxima come from far before."""
    return box.sources[:1] if box.kind == "MaxUnpooling2D" else box.sources


def _block(boxes, entry):
    last = boxes[-1]
    return Block(
        name=_common([one.layer for one in boxes]) or last.layer,
        title=_title(boxes),
        boxes=tuple(boxes),
        entry=entry,
        times=1,
        shape=last.shape,
    )


def _title(boxes):
    """What a block is called."""
    kinds, last = {one.kind for one in boxes}, boxes[-1]
    if len(boxes) == 1:
        return ""
    if "product" in kinds:
        return "gated block"
    if last.kind == "concatenation":
        count = len(last.sources)
        return "inception module" if count > 2 else "concatenated branches"
    return "residual block" if last.kind == "sum" else "block"


def _common(names: Iterable[str]) -> str:
    """What names have in common at their beginning, in whole words."""
    parts = [name.split("_") for name in names]
    if len(parts) == 1:
        return "_".join(parts[0])
    common = []
    for words in zip(*parts, strict=False):
        if len(set(words)) > 1:
            break
        common.append(words[0])
    return "_".join(common)


def _repeated(blocks: Iterable[Block]) -> list[Block]:
    """Blocks that follow on one that is alike are one with it."""
    found: list[Block] = []
    for one in blocks:
        if found and found[-1].alike() == one.alike():
            times = found[-1].times + 1
            found[-1] = dataclasses.replace(found[-1], times=times, shape=one.shape)
        else:
            found.append(one)
    return found


@reader.checked
def lines(block: Block) -> list[str]:
    """What a block is made of: a line a step, or a line a branch where it forks."""
    chains = block.chains
    if not chains:
        return [block.boxes[-1].words]
    if block.boxes[-1].kind == "sum" and len(chains) <= 2:
        longest = max(chains, key=len)
        short = [one for one in chains if one is not longest]
        beside = [f"+ {' > '.join(one.words for one in chain)}" for chain in short]
        return [one.words for one in longest] + beside
    begun: list[tuple] = [(), (block.entry,)]
    return [
        # Another branch of what stands above.
        ("" if chain[0].sources in begun or len(_cut_by(chain[0])) > 1 else "& ")
        + " > ".join(one.words for one in chain)
        for chain in chains
    ]
