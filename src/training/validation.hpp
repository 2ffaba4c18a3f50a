#pragma once

#include <cstdint>
#include <vector>

#include "rhoflux/checkpoint/model_description.hpp"
#include "rhoflux/data/shard.hpp"
#include "rhoflux/data/sources.hpp"
#include "rhoflux/data/time_table.hpp"
#include "rhoflux/mpi/communicator.hpp"
#include "workers.hpp"

namespace rhoflux::training {

/// The validation rows of a run, each rank a part of them, and their mean NLL in standardised units.
template <class Scalar>
class Validation {
 public:
  /// Reads this rank's rows. Collective. The communicator and the workers must outlive the object.
  /// @param chunk rows evaluated together: at most what the density takes
  Validation(const data::Sources& sources, const checkpoint::ModelDescription& model,
             const mpi::Communicator& comm, Workers<Scalar>& workers, int chunk);

  /// Validation rows of weight above 0 over all ranks; none without data.
  const data::RowCount& count() const { return m_count; }

  /// sum_s -w_s log rho_{t_s}(x_s) / sum_s w_s, w the weights of the rows. Sums of fixed blocks, added in block order, so that every rank count
  /// gives the same bits. Collective; there must be rows.
  double nll(const Vector<Scalar>& parameters) const;

 private:
  double weighted_sum(int worker, const Vector<Scalar>& parameters, std::int64_t begin,
                      std::int64_t end) const;

  const mpi::Communicator& m_comm;
  Workers<Scalar>& m_workers;
  int m_chunk;
  mpi::Share m_share;  ///< this rank's part of the validation rows
  data::RowCount m_count;
  data::Shard<Scalar> m_rows;             ///< empty without data; weights of mean 1 over the split
  std::vector<Vector<Scalar>> m_log_rho;  ///< by worker
};

extern template class Validation<float>;
extern template class Validation<double>;

}  // namespace rhoflux::training
