#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "npy_stream.hpp"
#include "table.hpp"

namespace rhoflux::importers {

/// Arrays of an .npz file, as numpy.savez and savez_compressed write it: one-dimensional ones are columns, and
/// the columns of two-dimensional ones are coordinates.
class NpzTable : public Table {
 public:
  explicit NpzTable(const std::string& path);

  std::vector<std::string> column_names() const override;
  std::vector<BasisColumn> basis(const std::string& name, const std::vector<std::string>& genes) override;
  std::string default_basis() const override;
  void start(const std::vector<Wanted>& wanted) override;
  std::int64_t read(std::int64_t most, Batch& batch) override;
  std::string place(std::int64_t i) const override;
  std::string header_place() const override { return m_path; }
  std::vector<std::string> notes() const override;

 private:
  /// Columns that are read through one stream.
  struct Source {
    std::unique_ptr<NpyStream> stream;
    std::int64_t width = 1;  ///< entries of a row in the stream
    std::int64_t row_bytes() const { return width * static_cast<std::int64_t>(stream->header().item_bytes); }
    struct Part {
      std::int64_t column;  ///< within the row
      std::size_t wanted;
      Form form;
    };
    std::vector<Part> parts;
  };
  /// An array and one of its columns, of "name" or "name/column".
  struct Address {
    std::string array;
    std::int64_t column = -1;
  };

  static void require_readable(const NpyStream& stream, const Address& address, Form form);
  Address address_of(const std::string& column) const;
  NpyHeader header_of(const std::string& array) const;
  std::string described_arrays(std::size_t n_dims) const;
  void read_source(Source& source, std::int64_t count, Batch& batch);

  std::string m_path;
  std::vector<std::string> m_arrays;
  std::vector<Source> m_sources;
  std::vector<double> m_numbers;
  std::vector<std::string> m_texts;
  std::int64_t m_n_rows = 0, m_first = 0, m_next = 0;
  std::size_t m_n_wanted = 0;
};

}  // namespace rhoflux::importers
