#!/usr/bin/env python3
"""A step of likelihood and kinetic energy in PyTorch, the energy at fresh exact draws from the model, as ours takes it.

Prints the median of samples/s. The draws are made without a graph, so that PyTorch is spared the derivatives through them,
which ours takes (objective.estimator = pathwise). Large drifts are cut off, by component here, by the energy in ours."""

import argparse
import statistics
import sys
import time

import torch


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="where torch_model.py is, with the class AR")
    parser.add_argument("flux", choices=("sigmoid", "triangular"))
    parser.add_argument("--dims", type=int, default=5)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=6)
    options = parser.parse_args()
    sys.path.insert(0, options.folder)
    from torch_model import AR  # pylint: disable=import-outside-toplevel,import-error

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model = AR(options.dims, 16)
    adam = torch.optim.Adam(model.parameters(), 3e-4)
    data_t, data_x = torch.rand(options.batch), torch.randn(options.batch, options.dims)
    drift = model.u_paper if options.flux == "sigmoid" else model.u_tri

    def step():
        t = (torch.arange(options.batch) + torch.rand(options.batch)) / options.batch
        energy = (drift(t, model.sample(t))[1].clamp(-10, 10) ** 2).sum(1).mean()
        loss = -model.logp(data_t, data_x).mean() + 0.01 * energy
        adam.zero_grad()
        loss.backward()
        adam.step()

    step()
    times = []
    end = time.perf_counter() + options.seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    print(f"{options.batch / statistics.median(times):.0f}")


if __name__ == "__main__":
    main()
