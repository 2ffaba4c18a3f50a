#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "rhoflux/checkpoint/checkpoint.hpp"
#include "rhoflux/io/directory_lock.hpp"
#include "rhoflux/mpi/communicator.hpp"
#include "rhoflux/training/config.hpp"

namespace rhoflux::training {

/// The files of a run: a checkpoint from time to time, of which the newest are kept, best.h5 and history.csv.
/// The root writes. What goes wrong is an I/O failure that names the last good checkpoint, not bad input.
class CheckpointStore {
 public:
  /// Makes the content of a file; called on the root alone.
  using Content = std::function<checkpoint::Checkpoint()>;

  /// What it is given must outlive the object.
  CheckpointStore(const CheckpointConfig& config, const mpi::Communicator& comm,
                  const network::ParameterLayout& layout)
      : m_config(config), m_comm(comm), m_layout(layout) {}

  /// Nothing is written unless this lock, which must outlive the object, is still held.
  void write_under(const io::DirectoryLock& lock) { m_lock = &lock; }
  /// A checkpoint of this step is there already.
  void continue_after(std::int64_t step) { m_saved_step = step; }
  /// The last checkpoint counts as written now.
  void start_clock() { m_saved_at = std::chrono::steady_clock::now(); }

  /// True if a checkpoint is due after so many steps.
  bool is_due_after(std::int64_t step) const { return step % m_config.every == 0; }
  /// True on the root when the last checkpoint is older than [checkpoint] every_minutes.
  bool is_due_by_time() const;

  /// Writes the checkpoint of a step, unless it is there, and history.csv; removes those that are too old.
  /// Collective.
  void save(std::int64_t step, const Content& content);
  /// Writes best.h5. Collective.
  void save_best(const Content& content) const;

  /// "; the last good checkpoint is FILE", or that there is none: the end of a message of failure.
  std::string last_checkpoint_note() const;

 private:
  void write(std::int64_t step, const Content& content);
  void on_root(const std::function<void()>& work) const;
  void require_held() const {
    if (m_lock != nullptr) m_lock->require_held();
  }

  const CheckpointConfig& m_config;
  const mpi::Communicator& m_comm;
  const network::ParameterLayout& m_layout;
  const io::DirectoryLock* m_lock = nullptr;
  std::int64_t m_saved_step = -1;  ///< of the newest checkpoint; -1: none
  std::chrono::steady_clock::time_point m_saved_at;
};

}  // namespace rhoflux::training
