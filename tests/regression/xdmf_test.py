"""The XDMF description of a field as ParaView's own readers see it: times, points and every value. Needs a Python with
VTK's XDMF readers (Debian: python3-paraview); h5py reads the same file through its contract."""

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import MPIEXEC, check, h5py, main, np, skip  # noqa: E402

try:
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonExecutionModel import vtkStreamingDemandDrivenPipeline
    from vtkmodules.vtkIOXdmf2 import vtkXdmfReader
    from vtkmodules.vtkIOXdmf3 import vtkXdmf3Reader
except ImportError as missing:
    skip(f"this Python has no XDMF readers of VTK ({missing}; Debian: apt-get install python3-paraview)")

WRITE_FIELD = os.environ.get("RHOFLUX_WRITE_FIELD", "")
if not WRITE_FIELD:
    skip("RHOFLUX_WRITE_FIELD does not name the helper that writes fields")


def leaf(data):
    """The grid in the series."""
    while data.IsA("vtkMultiBlockDataSet"):
        check(data.GetNumberOfBlocks() == 1, "more than one block")
        data = data.GetBlock(0)
    return data


def compare(reader, path):
    reader.SetFileName(str(path) + ".xdmf")
    reader.UpdateInformation()
    times = reader.GetOutputInformation(0).Get(vtkStreamingDemandDrivenPipeline.TIME_STEPS())
    with h5py.File(path, "r") as file:
        expected = {name: file[name][()] for name in ("density", "velocity")}
        check(np.array_equal(times or [], file["time"][()]), f"times {times}")
        axes = [file[f"axis_{k + 1}"][()] for k in range(expected["density"].ndim - 1)]
    # Points in C order: x1 slowest; X, Y, Z are x1, x2, x3.
    points = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
    missing = 3 - points.shape[1]
    # Not in order, as one jumps about in a viewer.
    for k in reversed(range(len(times))):
        reader.UpdateTimeStep(times[k])
        grid = leaf(reader.GetOutputDataObject(0))
        check(grid.IsA("vtkStructuredGrid"), grid.GetClassName())
        check(np.array_equal(vtk_to_numpy(grid.GetPoints().GetData()), np.pad(points, ((0, 0), (0, missing)))), "points")
        data = grid.GetPointData()
        check({data.GetArrayName(i) for i in range(data.GetNumberOfArrays())} == set(expected), "names of the arrays")
        density, velocity = (vtk_to_numpy(data.GetArray(name)) for name in ("density", "velocity"))
        check(np.array_equal(density, expected["density"][k].ravel()), f"density at time {k}")
        flat = expected["velocity"][k].reshape(points.shape)
        check(velocity.shape == (len(points), 3), f"velocity has the shape {velocity.shape}")
        check(np.array_equal(velocity, np.pad(flat, ((0, 0), (0, missing)))), f"velocity at time {k}")


def read_back(folder, *extents):
    path = folder / "a & <b>.h5"
    command = [*MPIEXEC, "2", WRITE_FIELD, str(path), *map(str, extents)]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    check(result.returncode == 0, result.stdout + result.stderr)
    for reader in (vtkXdmfReader(), vtkXdmf3Reader()):
        compare(reader, path)


def test_one_axis(folder):
    read_back(folder, 3, 17)


def test_two_axes(folder):
    read_back(folder, 12, 31, 19)


def test_two_axes_in_several_chunks(folder):
    read_back(folder, 2, 301, 403)


def test_three_axes(folder):
    read_back(folder, 2, 11, 13, 17)


def test_one_time(folder):
    read_back(folder, 1, 4, 5)


def test_axis_of_one_point(folder):
    read_back(folder, 2, 1, 6)


if __name__ == "__main__":
    main(*[test for name, test in list(globals().items()) if name.startswith("test_")])
