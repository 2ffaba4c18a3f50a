"""Reads the files of rhoflux into numpy arrays.

    import rhoflux
    data = rhoflux.read("samples.h5")
    data.t, data.x, data.attributes["dim_names"]

`load("best.h5")` gives a trained model with log_density, drift, score and sample (see rhoflux.model for the library that it
needs). `read` takes any HDF5 file of rhoflux. The other functions check that a file is of one kind and give what is drawn from
it. What cannot be read, or is of another kind, raises a FileError that says why in one line.
"""

from rhoflux.fields import Field
from rhoflux.files import SPLITS, Contents, FileError, read
from rhoflux.history import read_history
from rhoflux.model import Model, ModelError, load
from rhoflux.obstacles import Obstacles, read_obstacles
from rhoflux.points import Frames, Population, read_frames, read_origins, read_paths, read_population

__version__ = "0.1.0"

__all__ = [
    "SPLITS",
    "Contents",
    "Field",
    "FileError",
    "Frames",
    "Model",
    "ModelError",
    "Obstacles",
    "Population",
    "load",
    "read",
    "read_frames",
    "read_history",
    "read_obstacles",
    "read_origins",
    "read_paths",
    "read_population",
]
