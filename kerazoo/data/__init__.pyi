from .augment import augmentations as augmentations
from .batches import Batches as Batches
from .loading import ImageData as ImageData
from .loading import load as load
from .preprocessing import normalisation as normalisation
from .sets import SETS as SETS
from .sets import NamedSet as NamedSet
from .splits import Split as Split
