from .assembly import Assembly as Assembly
from .evaluation import evaluate as evaluate
from .evaluation import measure as measure
from .fitting import fit as fit
from .prediction import predict as predict
from .run import Run as Run
