#include "xdmf.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace rhoflux::io {

namespace {

constexpr std::size_t n_directions = 3;

Shape grid_shape(const FieldLayout& layout) {
  Shape shape;
  for (const FieldAxis& axis : layout.axes) shape.push_back(static_cast<std::int64_t>(axis.values.size()));
  return shape;
}

/// (m1, m2, m3)
Shape view_shape(const FieldLayout& layout) {
  Shape shape = grid_shape(layout);
  shape.insert(shape.begin(), n_directions - shape.size(), 1);
  return shape;
}

Shape joined(Shape shape, std::int64_t last) {
  shape.push_back(last);
  return shape;
}

std::string view_name(const FieldArray& array, std::int64_t time) {
  return "view/" + array.name + "_" + std::to_string(time);
}

/// Slab by slab, so that the root never holds the points of a large grid.
void write_points(Hdf5Writer& file, const FieldLayout& layout) {
  const std::string name = "view/points";
  const Shape shape = joined(view_shape(layout), n_directions);
  const std::size_t first_axis = n_directions - layout.axes.size();
  DatasetOptions options;
  options.deflate = layout.deflate;
  options.chunk = shape;
  options.chunk[first_axis] = slab_of(layout, 0).row_end;
  file.create_dataset<double>(name, shape, options);
  const std::vector<double> none = {0.0};
  const std::vector<double>& ys = layout.axes.size() > 1 ? layout.axes[1].values : none;
  const std::vector<double>& zs = layout.axes.size() > 2 ? layout.axes[2].values : none;
  for (std::int64_t k = 0; k < slab_count(layout); ++k) {
    const FieldSlab slab = slab_of(layout, k);
    if (slab.time > 0) break;
    std::vector<double> points;
    for (std::int64_t i = slab.row_begin; i < slab.row_end; ++i)
      for (const double y : ys)
        for (const double z : zs)
          points.insert(points.end(), {layout.axes[0].values[static_cast<std::size_t>(i)], y, z});
    Shape start(shape.size(), 0), count = shape;
    start[first_axis] = slab.row_begin;
    count[first_axis] = slab.row_end - slab.row_begin;
    file.write_slab(name, start, count, points);
  }
}

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

/// The shortest digits that read back as the same number, whatever the locale.
std::string digits(double value) {
  std::array<char, 32> buffer{};
  return {buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr};
}

std::string extents(const Shape& shape) {
  std::string text;
  for (const std::int64_t extent : shape) text += (text.empty() ? "" : " ") + std::to_string(extent);
  return text;
}

std::string data_item(const std::string& file_name, const std::string& dataset, const Shape& shape) {
  return R"(<DataItem Format="HDF" NumberType="Float" Precision="8" Dimensions=")" + extents(shape) + "\">" +
         escaped(file_name) + ":/" + escaped(dataset) + "</DataItem>";
}

std::string grid_at(const FieldLayout& layout, const std::string& file_name, std::int64_t time) {
  const Shape shape = view_shape(layout);
  std::string text = R"(      <Grid Name="field" GridType="Uniform">)"
                     "\n        <Time Value=\"" +
                     digits(layout.times[static_cast<std::size_t>(time)]) +
                     "\"/>\n        <Topology TopologyType=\"3DSMesh\" Dimensions=\"" + extents(shape) +
                     "\"/>\n        <Geometry GeometryType=\"XYZ\">" +
                     data_item(file_name, "view/points", joined(shape, n_directions)) + "</Geometry>\n";
  for (const FieldArray& array : layout.arrays) {
    const bool vector = array.n_components > 0;
    text += "        <Attribute Name=\"" + escaped(array.name) + "\" AttributeType=\"" +
            (vector ? "Vector" : "Scalar") + "\" Center=\"Node\">" +
            data_item(file_name, view_name(array, time), vector ? joined(shape, n_directions) : shape) +
            "</Attribute>\n";
  }
  for (const FieldSeries& series : layout.series)
    text +=
        "        <Attribute Name=\"" + escaped(series.name) +
        R"(" AttributeType="Scalar" Center="Grid"><DataItem Format="XML" NumberType="Float" Precision="8" Dimensions="1">)" +
        digits(series.values[static_cast<std::size_t>(time)]) + "</DataItem></Attribute>\n";
  return text + "      </Grid>\n";
}

}  // namespace

void write_views(Hdf5Writer& file, const FieldLayout& layout) {
  file.group("view");
  write_points(file, layout);
  const Shape shape = view_shape(layout);
  Shape part_count = grid_shape(layout);
  part_count.insert(part_count.begin(), 1);
  Shape part_start(part_count.size(), 0);
  for (std::int64_t t = 0; t < static_cast<std::int64_t>(layout.times.size()); ++t) {
    part_start[0] = t;
    for (const FieldArray& array : layout.arrays) {
      const int n = array.n_components;
      if (n == 0) {
        file.view(view_name(array, t), shape, {Shape(n_directions, 0), shape}, array.name,
                  {part_start, part_count});
      } else {
        file.view(view_name(array, t), joined(shape, n_directions),
                  {Shape(n_directions + 1, 0), joined(shape, n)}, array.name,
                  {joined(part_start, 0), joined(part_count, n)});
      }
    }
  }
}

std::string xdmf_text(const FieldLayout& layout, const std::string& file_name) {
  std::string text =
      "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Xdmf Version=\"2.0\">\n  <Domain>\n"
      "    <Grid Name=\"series\" GridType=\"Collection\" CollectionType=\"Temporal\">\n";
  for (std::size_t k = 0; k < layout.axes.size(); ++k) {
    text += "      <Information Name=\"axis_" + std::to_string(k + 1) + "\" Value=\"" +
            escaped(layout.axes[k].name) + "\"/>\n";
  }
  for (std::int64_t t = 0; t < static_cast<std::int64_t>(layout.times.size()); ++t)
    text += grid_at(layout, file_name, t);
  return text + "    </Grid>\n  </Domain>\n</Xdmf>\n";
}

}  // namespace rhoflux::io
