#pragma once

#include <mpi.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace rhoflux::io {

/// Ends the job when ranks that write one file together do not come to terms about a failure of one of them.
///
/// HDF5 has no agreement of its own about failures in collective calls: where a rank cannot write what describes the file, H5Fclose
/// of 1.10 goes on to MPI_File_set_size there, while the other ranks wait for that rank in a barrier, for ever. So the failing rank
/// ends the job some seconds after the error of the MPI file, where MPI reports one (ROMIO does, the I/O of Open MPI only says that
/// fewer bytes were written), or after the return of the failing call. Where neither happens, the caller says how long H5Fclose may
/// take.
///
/// Time in which the process was suspended does not count.
class SharedWriteWatch {
 public:
  using Duration = std::chrono::milliseconds;
  /// What happens at the end of the time, in a thread of its own.
  using Answer = std::function<void(const std::string& error)>;

  /// Files that MPI opens from now on, and until `opened`, are watched. One watch at a time.
  /// @param name of the file, for messages
  /// @param patience from an error to the answer
  SharedWriteWatch(std::string name, Answer answer, Duration patience = std::chrono::seconds(10));
  /// The ranks agree, or none has failed: nothing ends any more.
  ~SharedWriteWatch();
  SharedWriteWatch(const SharedWriteWatch&) = delete;
  SharedWriteWatch& operator=(const SharedWriteWatch&) = delete;

  /// The file is open: files that MPI opens later are not watched.
  void opened();
  /// The watch is to be over in time: after a failure of this rank, or before a call that may never return. Of several, the one with
  /// the least time left counts.
  /// @param error the text, with the name of the file
  void expect_end(const std::string& error, Duration patience);
  void expect_end(const std::string& error) { expect_end(error, m_patience); }

 private:
  static void on_error(MPI_File* file, int* code, ...);
  void wait();

  std::string m_name;
  Answer m_answer;
  Duration m_patience;
  std::mutex m_mutex;  ///< of what follows
  std::condition_variable m_ended;
  bool m_is_over = false;
  std::string m_error;
  Duration m_left{};
  std::thread m_thread;
};

/// Removes the files, says the error on the standard error stream and ends the job with the exit code of I/O failures, whatever
/// the file system and MPI do.
[[noreturn]] void end_shared_write(const std::vector<std::string>& files, const std::string& error);

}  // namespace rhoflux::io
