"""Import of the files that people have: tables of text, arrays of NumPy, AnnData in the forms of its versions."""

import gzip
import io
import os
import resource
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from regression import PROGRAM, check, h5py, main, np, run, succeed  # noqa: E402

TEXT = h5py.string_dtype("utf-8")


def imported(folder, name, *options):
    """Imports a file of the folder; gives the datasets and attributes of the population, and what was printed."""
    printed = succeed("import", folder / name, "--output", folder / "out.h5", "--force", *options)
    found = {}
    with h5py.File(folder / "out.h5", "r") as file:
        file.visititems(lambda key, item: found.update({key: item[()]}) if isinstance(item, h5py.Dataset) else None)
        found["attributes"] = dict(file.attrs)
        found["import"] = dict(file["import"].attrs)
        found["categories"] = {key: [text.decode() for text in file["label"][key].attrs["categories"]]
                               for key in file.get("label", {})}
    found["printed"] = printed
    return found


def refused(folder, name, parts, *options):
    """Importing ends with exit code 2, a message with these parts, and no output."""
    output = folder / "refused.h5"
    result = run("import", folder / name, "--output", output, *options)
    check(result.returncode == 2, f"{name}: exit code {result.returncode}\n{result.stdout}{result.stderr}")
    for part in [name] + list(parts):
        check(part in result.stderr, f"{name}: the message lacks '{part}': {result.stderr}")
    check(not output.exists() and not list(folder.glob(".*")), f"{name}: something was left behind")


def texts(values):
    return [value.decode() if isinstance(value, bytes) else value for value in values]


def tables_compressed_or_not(folder):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 2))
    plain = "time;lat;lon\n" + "".join(f"{i % 3};{a:.12g};{b:.12g}\n" for i, (a, b) in enumerate(x))
    (folder / "a.csv").write_text(plain)
    (folder / "b.CSV.GZ").write_bytes(gzip.compress(plain.encode()))
    (folder / "c.txt").write_text(plain.replace(";", "\t").replace("\n", "\r\n"))
    (folder / "d.tsv.gz").write_bytes(gzip.compress(plain[:2000].encode()) + gzip.compress(plain[2000:].encode()))
    (folder / "e.txt").write_text(plain.replace(".", ",").replace(";", "   "))
    options = ["--time-column", "time", "--columns", "lon,lat", "--val", "0.2", "--test", "0.1"]
    first = imported(folder, "a.csv", *options)
    check(first["x"].shape == (300, 2) and np.array_equal(first["source_row"], np.argsort(np.arange(300) % 3, kind="stable")),
          "rows of the file are lost")
    check(np.allclose(first["x"], x[first["source_row"]][:, ::-1], rtol=1e-11), "coordinates differ")
    for t in range(3):
        counts = np.bincount(first["split"][first["t"] == t], minlength=3)
        check(list(counts) == [70, 20, 10], f"splits at time {t}: {counts}")
    for name in ("b.CSV.GZ", "c.txt", "d.tsv.gz", "e.txt"):
        again = imported(folder, name, *options)
        for key in ("t", "x", "split", "source_row"):
            check(np.array_equal(first[key], again[key]), f"{name}: {key} differs")


def damaged_tables(folder):
    packed = gzip.compress(b"t,x1\n" + b"0,1\n" * 50000)
    (folder / "cut.csv.gz").write_bytes(packed[: len(packed) // 2])
    refused(folder, "cut.csv.gz", ["cut off"])
    hurt = bytearray(packed)
    hurt[len(hurt) // 2] ^= 0xFF
    (folder / "hurt.csv.gz").write_bytes(hurt)
    refused(folder, "hurt.csv.gz", ["after line"])
    # A gigabyte of one line in a megabyte.
    with gzip.open(folder / "bomb.csv.gz", "wb", compresslevel=9) as file:
        for _ in range(64):
            file.write(b"1" * (1 << 24))
    refused(folder, "bomb.csv.gz", ["line 1", "16 MiB"])
    (folder / "zeros.csv.gz").write_bytes(gzip.compress(bytes(1 << 20)))
    refused(folder, "zeros.csv.gz", ["zero bytes"])
    (folder / "quote.csv").write_text('t,x1\n0,"1\n' + "0,1\n" * 10)
    refused(folder, "quote.csv", ["line 2", "quote is not closed"])
    (folder / "data.parquet").write_text("PAR1")
    refused(folder, "data.parquet", [".npz", ".h5ad"])


def dates(folder):
    (folder / "iso.csv").write_text("when,x1\n2016-04-15T00:00:00Z,1\n2016-04-14T12:00:00.000Z,2\n2016-04-14T18:00:00+06:00,3\n")
    found = imported(folder, "iso.csv", "--time-key", "when")
    check(list(found["t"]) == [0, 0, 0.5] and list(found["x"][:, 0]) == [2, 3, 1], f"times {found['t']}")
    check(found["attributes"]["time_origin"] == b"2016-04-14T12:00:00Z", "the origin is not stored")
    (folder / "plain.tsv").write_text("when\tx1\n2016-04-14 12:00:00\t1\n2016-04-16\t2\n")
    found = imported(folder, "plain.tsv", "--time-key", "when", "--time-unit", "h", "--time-origin", "2016-04-14")
    check(list(found["t"]) == [12, 48] and found["attributes"]["time_unit"] == b"h", f"times {found['t']}")
    np.savez(folder / "dates.npz", when=np.array(["2020-01-02", "2020-01-01"], "datetime64[D]"), x=np.eye(2))
    found = imported(folder, "dates.npz", "--time-key", "when", "--time-unit", "min")
    check(list(found["t"]) == [0, 1440], f"times {found['t']}")
    np.savez(folder / "fine.npz", when=np.array(["2020-01-01T00:00:00.25", "2020-01-01"], "datetime64[ns]"), x=np.eye(2))
    found = imported(folder, "fine.npz", "--time-key", "when", "--time-unit", "s")
    check(list(found["t"]) == [0, 0.25], f"times {found['t']}")
    np.savez(folder / "none.npz", when=np.array(["2020-01-01", "NaT"], "datetime64[s]"), x=np.eye(2))
    refused(folder, "none.npz", ["row 1", "'NaT'"], "--time-key", "when")


def dates_of_numpy_in_all_units(folder):
    for unit, step in (("W", 604800.0), ("D", 86400.0), ("h", 3600.0), ("m", 60.0), ("ms", 1e-3), ("us", 1e-6), ("1500ns", 1.5e-6),
                       ("300ns", 3e-7), ("7ps", 7e-12), ("3D", 259200.0), ("1000000ps", 1e-6)):
        steps = np.array([0, -1, 2, 1000000 if step < 1 else 20, -7])
        np.savez(folder / "u.npz", t=steps.astype("i8").view(f"M8[{unit}]"), x=np.arange(10.0).reshape(5, 2))
        found = imported(folder, "u.npz", "--time-unit", "s", "--time-origin", "1970-01-01")
        expected = np.floor(np.sort(steps) * step * 1e6 + 1e-9) / 1e6
        check(np.allclose(found["t"], expected, rtol=1e-15, atol=1e-12), f"{unit}: {found['t']}, {expected}")
    np.savez(folder / "far.npz", t=np.array([0, 10**18], "M8[s]"), x=np.eye(2))
    refused(folder, "far.npz", ["row 1", "years 0 to 9999"])


def names_of_columns(folder):
    (folder / "names.csv").write_text('t,"lat,deg",lon,"a""b",kind\n0,1,2,3,u\n1,4,5,6,v\n')
    found = imported(folder, "names.csv", "--columns", '"lat,deg", lon ,a"b')
    check([name.decode() for name in found["attributes"]["dim_names"]] == ["lat,deg", "lon", 'a"b'], "names of coordinates")
    check(np.array_equal(found["x"], [[1, 2, 3], [4, 5, 6]]), "coordinates")
    for given, part in (('lon,lon', "twice"), ('lon,', "missing"), ('"lon', "not closed"), ('"lon"x', "follows")):
        result = run("import", folder / "names.csv", "--output", folder / "no.h5", "--columns", given)
        check(result.returncode == 2 and part in result.stderr, f"{given}: {result.stderr}")
    for given, part in (("1,1", "twice"), ("0", "from 1"), ("1:1000000000", "from 1"), ("2:1", "before the first")):
        result = run("import", folder / "names.csv", "--output", folder / "no.h5", "--columns", "lon", "--dims", given)
        check(result.returncode == 2 and part in result.stderr, f"{given}: {result.stderr}")
    refused(folder, "names.csv", ["line 1", "--dims names coordinate 2", "1 to 1"], "--columns", "lon", "--dims", "1:2")
    refused(folder, "names.csv", ["--columns and --genes exclude each other"], "--columns", "lon", "--genes", "G0")
    refused(folder, "names.csv", ["--val (0.5)", "--test (0.5)", "less than 1"], "--columns", "lon", "--val", "0.5", "--test", "0.5")
    (folder / "wide.csv").write_text("t,x1," + ",".join(f"y{k}" for k in range(3000)) + "\n" + "0" + ",1" * 3001 + "\n")
    check("(3000 in all)" in imported(folder, "wide.csv")["printed"], "columns that are left out are not counted")


def stopped_by_a_signal(folder):
    """Nothing is left of an import that a signal ends while it writes; the process ends by the signal."""
    rows = np.random.default_rng(9).normal(size=(400000, 4))
    np.savez(folder / "s.npz", t=rows[:, 0], x=rows)
    for k, number in enumerate((signal.SIGTERM, signal.SIGINT, signal.SIGHUP) * 3):
        process = subprocess.Popen([PROGRAM, "import", folder / "s.npz", "--output", folder / "s.h5"], stdout=subprocess.DEVNULL)
        while process.poll() is None and not list(folder.glob(".s.h5*")):
            time.sleep(0.001)
        time.sleep(0.02 * (k // 3) ** 2)  # while rows are read, sorted and written
        process.send_signal(number)
        code = process.wait(60)
        if code == 0:  # it was done before the signal came
            (folder / "s.h5").unlink()
            continue
        check(code == -number, f"exit code {code}")
        check(sorted(os.listdir(folder)) == ["s.npz"], f"left behind: {os.listdir(folder)}")


def a_full_disk(folder):
    """A write that fails, by a limit on the size of files as by a full disk: exit code 4, and nothing is left."""
    rows = np.random.default_rng(9).normal(size=(60000, 4))
    np.savez(folder / "full.npz", t=rows[:, 0], x=rows)
    (folder / "full.csv").write_text("t,x1\n" + "".join(f"{a:.9g},{b:.9g}\n" for a, b in rows[:, :2]))
    before = sorted(os.listdir(folder))
    for name in ("full.npz", "full.csv"):
        for limit in (0, 4096, 300000):
            process = subprocess.run([PROGRAM, "import", name, "--output", "full.h5"], cwd=folder, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True, timeout=60,
                                     preexec_fn=lambda most=limit: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))
            check(process.returncode == 4, f"{name}, limit {limit}: exit code {process.returncode}\n{process.stdout}{process.stderr}")
            check(process.stderr.count("rhoflux: error:") == 1 and "full.h5" in process.stderr, process.stderr)
            check(sorted(os.listdir(folder)) == before, f"left behind: {os.listdir(folder)}")
    succeed("import", "full.npz", "--output", "full.h5", folder=folder)


def arrays_of_numpy(folder):
    rng = np.random.default_rng(2)
    n, d = 500, 6
    x, day = rng.normal(size=(n, d)), rng.integers(0, 4, n)
    kind, name = np.array(["early", "late", "\u03b1"])[rng.integers(0, 3, n)], np.array([f"cell{i}" for i in range(n)])
    order = np.argsort(day, kind="stable")
    for save in (np.savez, np.savez_compressed):
        for layout in (np.ascontiguousarray, np.asfortranarray):
            for number in ("<f8", ">f8", "<f4", "<f2"):
                save(folder / "a.npz", pcs=layout(x.astype(number)), day=day.astype(">i2"), kind=kind, name=name.astype("S"),
                     note=np.array(["x"]))
                found = imported(folder, "a.npz", "--time-key", "day", "--basis", "pcs", "--dims", "2:3,6",
                                 "--label-columns", "kind", "--id-column", "name")
                check(np.array_equal(found["x"], x.astype(number).astype(float)[order][:, [1, 2, 5]]), f"{save} {layout} {number}")
                check(np.array_equal(found["t"], day[order]), "times differ")
                check(texts(found["id"]) == list(name[order]), "names differ")
                check([found["categories"]["kind"][k] for k in found["label/kind"]] == list(kind[order]), "labels differ")
                check(found["import"]["dims"] == b"2,3,6" and found["import"]["basis"] == b"pcs", "choices are not stored")
    np.savez(folder / "objects.npz", x=x, t=np.array(["a", 1], dtype=object))
    refused(folder, "objects.npz", ["array 't'", "pickled"])
    np.savez(folder / "short.npz", x=x, t=day[:-1])
    refused(folder, "short.npz", ["499", "500"])
    np.savez(folder / "flat.npz", x=x[:, 0], pcs=x, t=day)
    refused(folder, "flat.npz", ["array 'x'", "pcs (500, 6)"])
    refused(folder, "flat.npz", ["no array 'umap'", "pcs (500, 6)"], "--basis", "umap")
    np.savez(folder / "nan.npz", x=np.where(np.arange(n)[:, None] == 7, np.nan, x), t=day)
    refused(folder, "nan.npz", ["array 'x'", "row 7"])
    np.savez(folder / "pairs.npz", x=np.zeros(3, dtype=[("a", "f8"), ("b", "f8")]), t=day[:3])
    refused(folder, "pairs.npz", ["several fields"])
    np.savez(folder / "complex.npz", x=x.astype(complex), t=day)
    refused(folder, "complex.npz", ["'<c16'"])


def hostile_archives(folder):
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    with zipfile.ZipFile(folder / "path.npz", "w") as archive:
        archive.writestr("../../t.npy", buffer.getvalue())
    refused(folder, "path.npz", ["'../../t.npy'", "path in its name"])
    with zipfile.ZipFile(folder / "windows.npz", "w") as archive:
        archive.writestr("c:\\t.npy", buffer.getvalue())
    refused(folder, "windows.npz", ["path in its name"])
    (folder / "text.npz").write_text("t,x1\n0,1\n")
    refused(folder, "text.npz", ["ZIP archive"])
    header = buffer.getvalue()[:128]
    with zipfile.ZipFile(folder / "large.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.npy", header.replace(b"(3,), ", b"(300000000000,), ")[:128])
        archive.writestr("x.npy", buffer.getvalue())
    refused(folder, "large.npz", ["array 't'"], "--columns", "x")
    whole = folder / "whole.npz"
    np.savez(whole, t=np.zeros(30000), x=np.random.default_rng(1).normal(size=(30000, 2)))
    hurt = bytearray(whole.read_bytes())
    hurt[len(hurt) // 2] ^= 0xFF
    (folder / "hurt.npz").write_bytes(hurt)
    refused(folder, "hurt.npz", ["array 'x'"])
    (folder / "cut.npz").write_bytes(whole.read_bytes()[:-1000])
    refused(folder, "cut.npz", ["ZIP archive"])


# ---- AnnData, written as the pages of its file format say ----

def put(group, name, values, kind="array", version="0.2.0"):
    values = np.asarray(values)
    data = group.create_dataset(name, data=values.astype(object), dtype=TEXT) if values.dtype.kind in "UO" \
        else group.create_dataset(name, data=values)
    data.attrs.update({"encoding-type": "string-array" if values.dtype.kind in "UO" else kind, "encoding-version": version})


def frame(file, name, index, columns, index_name="_index"):
    group = file.create_group(name)
    group.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": index_name})
    group.attrs.create("column-order", np.array(columns, dtype=object), dtype=TEXT) if columns \
        else group.attrs.create("column-order", np.array([], "f8"))
    put(group, index_name, index)
    return group


def categorical(group, name, values):
    categories = sorted(set(values))
    inner = group.create_group(name)
    inner.attrs.update({"encoding-type": "categorical", "encoding-version": "0.2.0", "ordered": False})
    put(inner, "categories", categories)
    put(inner, "codes", np.array([categories.index(value) for value in values], "i1"))


def categorical_of_0_7(group, name, values):
    """Codes beside a group __categories, which an attribute refers to."""
    categories = sorted(set(values))
    put(group.require_group("__categories"), name, categories)
    group.create_dataset(name, data=np.array([categories.index(value) for value in values], "i1"))
    group[name].attrs["categories"] = group["__categories/" + name].ref


def nullable(group, name, values, mask, kind):
    inner = group.create_group(name)
    inner.attrs.update({"encoding-type": kind, "encoding-version": "0.1.0"})
    put(inner, "values", values)
    put(inner, "mask", np.array(mask, bool))


def sparse(file, name, dense, kind, old=False):
    """csr_matrix or csc_matrix."""
    group = file.create_group(name)
    table = dense if kind == "csr_matrix" else dense.T
    if old:
        group.attrs["h5sparse_format"], group.attrs["h5sparse_shape"] = kind[:3], np.array(dense.shape)
    else:
        group.attrs.update({"encoding-type": kind, "encoding-version": "0.1.0", "shape": np.array(dense.shape)})
    group["indptr"] = np.concatenate([[0], np.cumsum((table != 0).sum(axis=1))]).astype("i4")
    group["indices"] = np.nonzero(table)[1].astype("i4")
    group["data"] = table[table != 0]


def study(seed=3, n=240):
    rng = np.random.default_rng(seed)
    day = rng.integers(0, 3, n)
    x = rng.normal(size=(n, 4)).astype("f4")
    counts = np.where(rng.random((n, 7)) < 0.4, rng.integers(1, 9, (n, 7)), 0).astype("f4")
    return {"day": day, "pca": x, "X": counts, "names": np.array([f"AAC{i:03d}-\u03b1" for i in range(n)]),
            "type": np.array(["B", "T", "NK"])[rng.integers(0, 3, n)], "donor": np.array([f"d{i % 5}" for i in range(n)])}


def write_anndata(path, s, old=False, kind="csr_matrix"):
    with h5py.File(path, "w") as file:
        file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        columns = ["day", "stage", "number", "donor", "type", "flag"]
        obs = frame(file, "obs", s["names"], columns, "cell_id" if old else "_index")
        make = categorical_of_0_7 if old else categorical
        make(obs, "day", [f"day{d}" for d in s["day"]])
        make(obs, "stage", [f"E{7.5 + d / 2}" for d in s["day"]])
        put(obs, "number", s["day"].astype("f4"))
        put(obs, "donor", s["donor"])
        make(obs, "type", list(s["type"]))
        put(obs, "flag", s["day"] > 0)
        frame(file, "var", [f"G{k}" for k in range(7)], [])
        file.create_group("obsm")
        put(file["obsm"], "X_pca", s["pca"])
        put(file["obsm"], "X_umap", s["pca"][:, :2] + 1)
        if kind == "array":
            put(file, "X", s["X"])
        else:
            sparse(file, "X", s["X"], kind, old)


def anndata_of_all_versions(folder):
    s = study()
    order = np.argsort(s["day"], kind="stable")
    for old in (False, True):
        for kind in ("csr_matrix", "csc_matrix", "array"):
            write_anndata(folder / "a.h5ad", s, old, kind)
            found = imported(folder, "a.h5ad", "--time-key", "day")
            check(np.array_equal(found["x"], s["pca"].astype(float)[order]), "coordinates differ")
            check(np.array_equal(found["t"], s["day"][order]), "times differ")
            check(texts(found["id"]) == list(s["names"][order]), "names of cells differ")
            for label in ("type", "donor"):
                check([found["categories"][label][k] for k in found["label/" + label]] == list(s[label][order]), label)
            check([name.decode() for name in found["attributes"]["dim_names"]] == ["pca1", "pca2", "pca3", "pca4"], "names")
            found = imported(folder, "a.h5ad", "--time-key", "stage", "--basis", "X", "--genes", "G5,G0")
            check(np.array_equal(found["x"], s["X"].astype(float)[order][:, [5, 0]]), f"{kind}: genes differ")
            check(np.array_equal(found["t"], 7.5 + s["day"][order] / 2), "stages differ")
            found = imported(folder, "a.h5ad", "--time-key", "number", "--basis", "X_umap", "--dims", "2")
            check(np.array_equal(found["x"][:, 0], s["pca"].astype(float)[order][:, 1] + 1)
                  or np.array_equal(found["x"][:, 0], (s["pca"][:, 1] + 1).astype(float)[order]), "umap differs")
            check(found["import"]["basis"] == b"X_umap", "the basis is not stored")
    refused(folder, "a.h5ad", ["no column 't'", "day, stage, number"])
    refused(folder, "a.h5ad", ["'X_tsne'", "X_pca, X_umap"], "--time-key", "day", "--basis", "X_tsne")
    refused(folder, "a.h5ad", ["'Gx'", "G0"], "--time-key", "day", "--genes", "Gx")
    refused(folder, "a.h5ad", ["--genes"], "--time-key", "day", "--basis", "X")


def anndata_of_other_makes(folder):
    s = study(seed=4)
    order = np.argsort(s["day"], kind="stable")
    n = len(order)
    write_anndata(folder / "b.h5ad", s)
    with h5py.File(folder / "b.h5ad", "a") as file:
        obs = file["obs"]
        obs.attrs.create("column-order", np.array(["day", "when", "word"], dtype=object), dtype=TEXT)
        nullable(obs, "when", s["day"], np.zeros(n, bool), "nullable-integer")
        nullable(obs, "word", s["type"], np.arange(n) == 5, "nullable-string-array")
        # A data frame as coordinates, and an index that is a nullable array of strings.
        inner = frame(file["obsm"], "axes", s["names"], ["a", "b"])
        put(inner, "a", s["pca"][:, 0])
        put(inner, "b", s["pca"][:, 1])
        del obs["_index"]
        nullable(obs, "_index", s["names"], np.zeros(n, bool), "nullable-string-array")
        del file["X"]
    found = imported(folder, "b.h5ad", "--time-key", "when", "--basis", "axes", "--label-columns", "word")
    check(np.array_equal(found["x"], s["pca"].astype(float)[order][:, :2]), "a data frame in obsm")
    check(texts(found["id"]) == list(s["names"][order]), "names of cells differ")
    word = [found["categories"]["word"][k] for k in found["label/word"]]
    expected = np.where(np.arange(n) == 5, "missing", s["type"])[order]
    check(word == list(expected), "a missing label")
    with h5py.File(folder / "b.h5ad", "a") as file:
        file["obs/when/mask"][7] = True
    refused(folder, "b.h5ad", ["obs/when", "row 7", "missing"], "--time-key", "when", "--basis", "axes")


def hostile_anndata(folder):
    s = study(seed=5, n=60)
    write_anndata(folder / "c.h5ad", s)
    with h5py.File(folder / "other.h5", "w") as file:
        file["secret"] = np.zeros((60, 2))
    with h5py.File(folder / "c.h5ad", "a") as file:
        file["obsm/loop"] = h5py.SoftLink("/obsm/loop")
        file["obsm/far"] = h5py.ExternalLink(str(folder / "other.h5"), "/secret")
        file["obs/circle"] = file["obs"]
        file["obs"].attrs.create("column-order", np.array(["day", "circle"], dtype=object), dtype=TEXT)
        sparse(file, "obsm/wild", s["X"], "csc_matrix")
        file["obsm/wild/indices"][3] = 10**6
        sparse(file, "obsm/mixed", s["X"] + 1, "csc_matrix")
        file["obsm/mixed/indices"][1] = 0
        file["obsm/mixed/indices"][0] = 1
    for basis, part in (("loop", "back to itself"), ("far", "another file"), ("wild", "outside of the matrix"),
                        ("mixed", "sort_indices")):
        refused(folder, "c.h5ad", ["obsm/" + basis, part], "--time-key", "day", "--basis", basis)
    refused(folder, "c.h5ad", ["obs/circle"], "--time-key", "circle")
    with h5py.File(folder / "old.h5ad", "w") as file:
        file.create_dataset("obs", data=np.zeros(3, dtype=[("index", "S5"), ("day", "f8")]))
    refused(folder, "old.h5ad", ["before 0.7"])
    (folder / "text.h5ad").write_text("t,x1\n")
    refused(folder, "text.h5ad", ["HDF5"])


def texts_that_are_one_large_object(folder):
    """Texts of any length are references to objects of a heap; here thousands refer to one object of a megabyte."""
    s = study(seed=5, n=4000)
    for column, options in (("donor", ["--label-columns", "donor"]), ("_index", []), ("day", [])):
        write_anndata(folder / "heap.h5ad", s, old=False)
        with h5py.File(folder / "heap.h5ad", "a") as file:
            del file["obs"][column]
            long = np.array(["long" * (1 << 18)] + ["short"] * 3999, dtype=object)
            file["obs"].create_dataset(column, data=long, dtype=TEXT)
            place = file["obs"][column].id.get_offset()
        with open(folder / "heap.h5ad", "r+b") as file:
            file.seek(place)
            reference = file.read(16)  # length, address and number of the object
            file.write(reference * 3999)
        result = subprocess.run([PROGRAM, "import", "heap.h5ad", "--time-key", "day", "--output", "out.h5", *options], cwd=folder,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31)))
        check(result.returncode == 2, f"{column}: exit code {result.returncode}\n{result.stdout}{result.stderr}")
        check(f"obs/{column}" in result.stderr and "more than 256 MiB" in result.stderr, f"{column}: {result.stderr}")
        check(not (folder / "out.h5").exists() and not list(folder.glob(".*")), f"{column}: left behind: {os.listdir(folder)}")


def anndata_itself(folder):
    try:
        import anndata
        import pandas as pd
        import scipy.sparse as sp
    except ImportError as missing:
        print(f"left out: this Python has no module {missing.name}")
        return
    s = study(seed=6)
    order = np.argsort(s["day"], kind="stable")
    obs = pd.DataFrame({"day": [f"D{d:02d}" for d in s["day"]], "type": pd.Categorical(s["type"])}, index=list(s["names"]))
    data = anndata.AnnData(sp.csr_matrix(s["X"]), obs=obs, obsm={"X_pca": s["pca"]}, dtype="float32")
    data.write_h5ad(folder / "d.h5ad")
    found = imported(folder, "d.h5ad", "--time-key", "day")
    check(np.array_equal(found["x"], s["pca"].astype(float)[order]) and np.array_equal(found["t"], s["day"][order]), "coordinates")
    check([found["categories"]["type"][k] for k in found["label/type"]] == list(s["type"][order]), "labels")
    data.write_h5ad(folder / "e.h5ad", compression="gzip")
    found = imported(folder, "e.h5ad", "--time-key", "day", "--basis", "X", "--genes", data.var_names[2])
    check(np.array_equal(found["x"][:, 0], s["X"].astype(float)[order][:, 2]), "genes")


def whole_donors(folder):
    s = study(seed=7)
    write_anndata(folder / "f.h5ad", s)
    found = imported(folder, "f.h5ad", "--time-key", "day", "--split-by", "donor", "--val", "0.2", "--test", "0.2")
    donors = np.array([found["categories"]["donor"][k] for k in found["label/donor"]])
    for donor in set(donors):
        check(len(set(found["split"][donors == donor])) == 1, f"the donor {donor} is in several splits")
    check(len({donor for donor in donors[found["split"] == 1]}) == 1 and len({donor for donor in donors[found["split"] == 2]}) == 1,
          "one donor of five for each of val and test")
    refused(folder, "f.h5ad", ["--split-by"], "--time-key", "day", "--split-by", "donor")
    reached = [100 * np.mean(found["split"] == k) for k in range(3)]
    is_near = max(abs(share - asked) for share, asked in zip(reached, (60, 20, 20))) <= 2
    check(("shares of the rows" in found["printed"]) != is_near, f"{reached}: {found['printed']}")
    found = imported(folder, "f.h5ad", "--time-key", "day", "--split-by", "donor", "--val", "0.05", "--test", "0.1")
    for split, k, asked in (("train", 0, 85), ("val", 1, 5), ("test", 2, 10)):
        share = f"{split} {100 * np.mean(found['split'] == k):.1f} % (asked for {asked:.1f})"
        check(share in found["printed"], f"'{share}' is not in {found['printed']}")


def in_pieces(folder):
    """More rows than are held at a time: sorted through a file, in bounded memory."""
    n = 1500000
    rng = np.random.default_rng(8)
    np.savez(folder / "large.npz", t=rng.random(n), x=rng.normal(size=(n, 5)).astype("f4"))
    found = imported(folder, "large.npz", "--test", "0.1")
    with np.load(folder / "large.npz") as data:
        order = np.argsort(data["t"], kind="stable")
        check(np.array_equal(found["t"], data["t"][order]) and np.array_equal(found["source_row"], order), "the order differs")
        check(np.array_equal(found["x"], data["x"].astype(float)[order]), "coordinates differ")
    check(abs(found["split"].sum() / 2 - 0.1 * n) < 5 * np.sqrt(0.09 * n), "the share of test rows")
    check(sorted(os.listdir(folder)) == ["large.npz", "out.h5"], f"left behind: {os.listdir(folder)}")


main(tables_compressed_or_not, damaged_tables, dates, dates_of_numpy_in_all_units, names_of_columns, stopped_by_a_signal, a_full_disk,
     arrays_of_numpy, hostile_archives, anndata_of_all_versions, anndata_of_other_makes, hostile_anndata, texts_that_are_one_large_object, anndata_itself, whole_donors,
     in_pieces)
