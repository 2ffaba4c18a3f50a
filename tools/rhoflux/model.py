"""A trained model in Python, evaluated by the installed library (librhoflux.so, rhoflux/library/rhoflux.h).

    import rhoflux
    model = rhoflux.load("run/best.h5")
    model.log_density(0.5, [[0.1, -0.4], [1.5, 0.2]])

The library links Kokkos, KokkosKernels, a BLAS, HDF5, MPI and libcrypto; MPI is not started. It is looked for in the
environment variable RHOFLUX_LIBRARY (the file), beside the program `rhoflux` of the search path (../lib of its folder), and
where the system's loader looks.
"""

import ctypes
import ctypes.util
import os
import shutil
from pathlib import Path

import numpy as np

_LIBRARY = None
_DOUBLES = np.ctypeslib.ndpointer(dtype=np.float64, flags="C_CONTIGUOUS")


class ModelError(ValueError):
    """The library refused a checkpoint, a time or a state; says why in one line."""


def _candidates():
    """Files to try, the most specific first."""
    named = os.environ.get("RHOFLUX_LIBRARY")
    if named:
        return [named]
    found = []
    program = shutil.which("rhoflux")
    if program:
        prefix = Path(program).resolve().parent.parent
        found = [str(path) for path in sorted(prefix.glob("lib*/librhoflux.so")) + sorted(prefix.glob("lib/*/librhoflux.so"))]
    by_loader = ctypes.util.find_library("rhoflux")
    return found + ([by_loader] if by_loader else [])


def _open_library():
    failures = []
    for name in _candidates():
        try:
            return ctypes.CDLL(name)
        except OSError as error:
            failures.append(f"{name}: {error}")
    raise ImportError("librhoflux.so was not found" + (" (" + "; ".join(failures) + ")" if failures else "")
                      + ": install rhoflux (cmake --install) and put its program in PATH, or let RHOFLUX_LIBRARY name the file")


def _declare(library):
    """The signatures of rhoflux/library/rhoflux.h."""
    model, count, error = ctypes.c_void_p, ctypes.c_int64, ctypes.POINTER(ctypes.c_void_p)
    signatures = {
        "rhoflux_version": (ctypes.c_char_p, []),
        "rhoflux_load": (ctypes.c_void_p, [ctypes.c_char_p, error]),
        "rhoflux_free": (None, [model]),
        "rhoflux_free_text": (None, [ctypes.c_void_p]),
        "rhoflux_n_dims": (ctypes.c_int, [model]),
        "rhoflux_t_first": (ctypes.c_double, [model]),
        "rhoflux_t_last": (ctypes.c_double, [model]),
        "rhoflux_dim_name": (ctypes.c_char_p, [model, ctypes.c_int]),
        "rhoflux_time_unit": (ctypes.c_char_p, [model]),
        "rhoflux_set_condition": (ctypes.c_int, [model, ctypes.c_char_p, error]),
        "rhoflux_log_density": (ctypes.c_int, [model, count, _DOUBLES, _DOUBLES, _DOUBLES, error]),
        "rhoflux_score": (ctypes.c_int, [model, count, _DOUBLES, _DOUBLES, _DOUBLES, error]),
        "rhoflux_drift": (ctypes.c_int, [model, count, _DOUBLES, _DOUBLES, ctypes.c_char_p, _DOUBLES, error]),
        "rhoflux_grows": (ctypes.c_int, [model]),
        "rhoflux_growth": (ctypes.c_int, [model, count, _DOUBLES, _DOUBLES, _DOUBLES, error]),
        "rhoflux_mass": (ctypes.c_int, [model, count, _DOUBLES, _DOUBLES, error]),
        "rhoflux_sample": (ctypes.c_int, [model, count, _DOUBLES, count, ctypes.c_uint64, _DOUBLES, error]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _library():
    global _LIBRARY
    if _LIBRARY is None:
        _LIBRARY = _declare(_open_library())
    return _LIBRARY


class _Message:
    """The error message that a function of the library hands back."""

    def __init__(self, library):
        self._library, self.pointer = library, ctypes.c_void_p()

    def take(self):
        text = ctypes.string_at(self.pointer).decode(errors="replace") if self.pointer else "unknown error"
        self._library.rhoflux_free_text(self.pointer)
        return text


def _checked_number(name, value, least):
    if isinstance(value, bool) or int(value) != value or value < least:
        raise ModelError(f"{name} is {value}; it must be a whole number, at least {least}")
    return int(value)


class Model:
    """A trained model: densities rho_t and the drift u of dX = u dt + g dW. Times and states are in the units of the data.

    Every function takes a time or times t of shape (n,) and states x of shape (n, n_dims), or one state of shape (n_dims,);
    one time goes with all states. One thread at a time may use a model.
    """

    def __init__(self, path):
        self._library, self._handle = _library(), None
        message = _Message(self._library)
        self._handle = self._library.rhoflux_load(os.fsencode(path), ctypes.byref(message.pointer))
        if not self._handle:
            raise ModelError(message.take())
        self.path = str(path)
        self.n_dims = self._library.rhoflux_n_dims(self._handle)
        self.time_range = (self._library.rhoflux_t_first(self._handle), self._library.rhoflux_t_last(self._handle))
        self.dim_names = [self._library.rhoflux_dim_name(self._handle, i).decode() for i in range(self.n_dims)]
        self.grows = bool(self._library.rhoflux_grows(self._handle))
        self.time_unit = self._library.rhoflux_time_unit(self._handle).decode()

    def close(self):
        """Frees the memory of the model; it cannot be used afterwards."""
        if self._handle:
            self._library.rhoflux_free(self._handle)
        self._handle = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if getattr(self, "_handle", None):
            self.close()

    def __repr__(self):
        return f"<rhoflux.Model {self.path}: {', '.join(self.dim_names)}; t from {self.time_range[0]:g} to {self.time_range[1]:g}>"

    def set_condition(self, **values):
        """The condition of all following calls, set_condition(dose=0.5, drug="A"): a model that was trained with conditions
        needs one."""
        text = ",".join(f"{name}={value if isinstance(value, str) else repr(float(value))}"
                        for name, value in values.items())
        self._call("rhoflux_set_condition", text.encode())

    def log_density(self, t, x):
        """log rho_t(x), shape (n,), the logarithm of 1 / units^n_dims."""
        return self._at_points("rhoflux_log_density", t, x, (), ())

    def score(self, t, x):
        """d log rho_t(x) / dx, shape (n, n_dims), 1 / units."""
        return self._at_points("rhoflux_score", t, x, (self.n_dims,), ())

    def drift(self, t, x, volatility=None):
        """u = j / rho + g^2 / 2 score, shape (n, n_dims), units / time.

        volatility: g, a number or text as flux.noise of a deck has it ("0:0.5,4:0.1"); None: that of the model.
        """
        g = None if volatility is None else volatility if isinstance(volatility, str) else repr(float(volatility))
        return self._at_points("rhoflux_drift", t, x, (self.n_dims,), (None if g is None else g.encode(),))

    def growth(self, t, x):
        """Growth rate r, births minus deaths, shape (n,), 1 / time; the same for every g. 0 unless model.grows."""
        return self._at_points("rhoflux_growth", t, x, (), ())

    def mass(self, t):
        """Mass M(t) of the population relative to that at the first time, in the shape of t; 1 unless model.grows."""
        times = np.asarray(t, dtype=np.float64)
        result = np.empty(times.size)
        self._call("rhoflux_mass", times.size, np.ascontiguousarray(times.reshape(-1)), result)
        return result.reshape(times.shape)[()]

    def sample(self, times, count, seed=1):
        """Independent samples of rho_t: shape (count, n_dims) for one time, (n_times, count, n_dims) for a list of times.

        The numbers are those of `rhoflux sample --times .. --count .. --seed ..`.
        """
        t = np.asarray(times, dtype=np.float64)
        if t.ndim > 1:
            raise ModelError(f"times has shape {t.shape}; it must be a number or (n_times,)")
        count, seed = _checked_number("count", count, 0), _checked_number("seed", seed, 0)
        result = np.empty((t.size, count, self.n_dims))
        self._call("rhoflux_sample", t.size, np.ascontiguousarray(t.reshape(-1)), count, seed, result)
        return result[0] if t.ndim == 0 else result

    def _call(self, name, *arguments):
        if not self._handle:
            raise ModelError(f"{self.path}: the model is closed")
        message = _Message(self._library)
        if getattr(self._library, name)(self._handle, *arguments, ctypes.byref(message.pointer)) != 0:
            raise ModelError(message.take())

    def _at_points(self, name, t, x, row_shape, options):
        states = np.ascontiguousarray(x, dtype=np.float64)
        single = states.ndim == 1
        if single:
            states = states.reshape(1, -1)
        if states.ndim != 2 or states.shape[1] != self.n_dims:
            raise ModelError(f"x has shape {np.shape(x)}; it must be (n, {self.n_dims}) or ({self.n_dims},)")
        times = np.asarray(t, dtype=np.float64)
        if times.ndim > 1 or times.size not in (1, len(states)) or (times.ndim == 1 and len(times) != len(states)):
            raise ModelError(f"t has shape {times.shape}; with {len(states)} states it must be a number or ({len(states)},)")
        times = np.ascontiguousarray(np.broadcast_to(times, (len(states),)))
        result = np.empty((len(states),) + row_shape)
        self._call(name, len(states), times, states, *options, result)
        return result[0] if single else result


def load(path):
    """Reads a checkpoint. A ModelError says what is wrong with it, an ImportError that the library is missing."""
    return Model(path)
