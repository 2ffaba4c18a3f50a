#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace rhoflux::training {

/// Whether a run has more ranks than it can use: a warning, or nothing.
///
/// Before it begins: fewer than 32 rows of a batch for a rank. Matrix products of so few rows are slow, and the sum of the
/// gradient over the ranks costs the same for few rows as for many.
/// @param batch training.batch, rows a step over all ranks
std::string warning_of_small_shares(int n_ranks, std::int64_t batch);

/// After it: the sum of the gradient over the ranks, with the wait for the slowest of them, took longer than computing the
/// gradient. Nothing for less than ten seconds, which may be the first messages, and for one rank.
/// @param gradient, reduction seconds, means over the ranks
std::string warning_of_costly_sums(int n_ranks, std::int64_t batch, double gradient, double reduction);

/// Which rank computes its gradients slowest, and on which machine, where it takes half as long again as the fastest one
/// and a second more; else nothing.
/// @param gradient seconds of each rank
/// @param host_of  name of the machine of a rank; called for the slowest alone, and by all ranks or none where all have the
///                 same seconds
std::string report_of_slowest_rank(const std::vector<double>& gradient,
                                   const std::function<std::string(int rank)>& host_of);

}  // namespace rhoflux::training
