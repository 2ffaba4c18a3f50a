#include "checkpoint_store.hpp"

#include <filesystem>
#include <new>

#include "rhoflux/checkpoint/checkpoint_directory.hpp"
#include "rhoflux/core/error.hpp"
#include "rhoflux/device/profiling.hpp"

namespace rhoflux::training {

bool CheckpointStore::is_due_by_time() const {
  const std::chrono::duration<double, std::ratio<60>> age = std::chrono::steady_clock::now() - m_saved_at;
  return m_comm.is_root() && m_config.every_minutes > 0 && age.count() >= m_config.every_minutes;
}

void CheckpointStore::save(std::int64_t step, const Content& content) {
  if (m_saved_step != step) write(step, content);
  start_clock();
}

void CheckpointStore::write(std::int64_t step, const Content& content) {
  checkpoint::History history;
  {
    const ScopedRegion region("write checkpoint");
    on_root([&] {
      const checkpoint::Checkpoint state = content();
      checkpoint::write_checkpoint(checkpoint::checkpoint_path(m_config.directory, step), state, m_layout,
                                   [this] { require_held(); });
      history = state.state.history;
    });
  }
  m_saved_step = step;
  on_root([&] {
    require_held();
    history.write_csv((std::filesystem::path(m_config.directory) / "history.csv").string());
    checkpoint::remove_old_checkpoints(m_config.directory, m_config.keep);
  });
}

void CheckpointStore::save_best(const Content& content) const {
  const ScopedRegion region("write checkpoint");
  on_root([&] {
    checkpoint::write_checkpoint(checkpoint::best_path(m_config.directory), content(), m_layout,
                                 [this] { require_held(); });
  });
}

std::string CheckpointStore::last_checkpoint_note() const {
  if (m_saved_step < 0) return "; no checkpoint had been written yet";
  return "; the last good checkpoint is " + checkpoint::checkpoint_path(m_config.directory, m_saved_step);
}

void CheckpointStore::on_root(const std::function<void()>& work) const {
  mpi::on_root(m_comm, [&] {
    try {
      work();
    } catch (const Error& error) {
      // Another run that has taken the directory removes what this one was writing: then that is the cause.
      const std::string lost = m_lock == nullptr ? "" : m_lock->loss();
      fail_io((lost.empty() ? error.what() : lost) + last_checkpoint_note());
    } catch (const std::bad_alloc&) {
      fail_memory("memory does not suffice to write a checkpoint" + last_checkpoint_note());
    }
  });
}

}  // namespace rhoflux::training
