from .evaluation import evaluate as evaluate
from .evaluation import measure as measure
from .fitting import fit as fit
from .initialization import lsuv as lsuv
from .initialization import orthonormal as orthonormal
from .initialization import pretrain_autoencoders as pretrain_autoencoders
from .initialization import reinitialize as reinitialize
from .pipeline import Pipeline as Pipeline
