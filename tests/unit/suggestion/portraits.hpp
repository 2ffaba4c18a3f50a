#pragma once

#include "rhoflux/suggestion/portrait.hpp"

/// Populations that decks are suggested for.
namespace rhoflux::suggestion::test {

inline Portrait snapshots() {
  Portrait data;
  data.path = "cells.h5";
  data.n_dims = 3;
  data.n_train = 8000;
  data.n_val = 1000;
  data.n_times = 4;
  data.t_last = 6;
  data.largest_gap = 0.5;
  data.neighbour = 0.1;
  data.n_compared = 2000;
  return data;
}

inline Portrait events() {
  Portrait data = snapshots();
  data.is_continuous = true;
  data.n_times = 9000;
  data.largest_gap = 0;
  data.time_information = 0.1;
  return data;
}

}  // namespace rhoflux::suggestion::test
