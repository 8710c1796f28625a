from .crossval import CrossValidation as CrossValidation
from .crossval import Nested as Nested
from .crossval import cross_validate as cross_validate
from .crossval import nested as nested
from .folds import folds as folds
