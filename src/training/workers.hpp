#pragma once

#include <memory>
#include <vector>

#include "rhoflux/device/thread_team.hpp"
#include "rhoflux/flux/dynamics.hpp"

namespace rhoflux::training {

/// The threads of a rank, each with an instance of the execution space and a workspace of the dynamics of its own. The
/// parameters are not theirs.
template <class Scalar>
class Workers {
 public:
  /// Throws Error (bad input) where the configuration does not fit the family or the dimension.
  /// @param n_threads 1 or more
  Workers(const density::Config& density, const flux::Config& flux, int n_dims,
          const typename flux::Dynamics<Scalar>::Capacity& capacity, int n_threads)
      : m_team(n_threads) {
    for (int k = 0; k < n_threads; ++k)
      m_members.push_back(
          {make_instance(k), std::make_unique<flux::Dynamics<Scalar>>(density, flux, n_dims, capacity)});
  }

  int size() const { return m_team.size(); }
  const ExecutionSpace& space(int k) const { return member(k).space; }
  flux::Dynamics<Scalar>& dynamics(int k) const { return *member(k).dynamics; }
  /// See ThreadTeam::run.
  template <class Work>
  void run(const Work& work) {
    m_team.run(work);
  }

 private:
  struct Member {
    ExecutionSpace space;
    std::unique_ptr<flux::Dynamics<Scalar>> dynamics;
  };
  const Member& member(int k) const { return m_members[static_cast<std::size_t>(k)]; }

  ThreadTeam m_team;
  std::vector<Member> m_members;
};

}  // namespace rhoflux::training
