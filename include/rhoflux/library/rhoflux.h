#ifndef RHOFLUX_LIBRARY_RHOFLUX_H
#define RHOFLUX_LIBRARY_RHOFLUX_H

/* The C interface to a trained model, for other languages (tools/rhoflux/model.py is the one for Python). The shared
 * library links Kokkos, KokkosKernels and its BLAS, and, through the reader of checkpoints, HDF5, MPI and libcrypto.
 * MPI need not be started: every call works in the calling process alone. The first rhoflux_load() starts Kokkos
 * unless the program has; the library then ends it when the process ends.
 *
 * Points are t (n) and x (n, n_dims) in C order, in the units of the data. Times may lie up to a hundredth of the
 * model's time range outside it. Results are in double precision, the same as those of the commands `query` and
 * `sample`.
 *
 * Errors: a function that can fail returns 0 for success and otherwise the exit code that the program would give
 * (2 bad input, 3 numerical failure, 4 files or memory); rhoflux_load() returns NULL. If `error` is not NULL, *error
 * is set to a message, to be freed by rhoflux_free_text(), and to NULL on success.
 *
 * A model may be used by one thread at a time, and only one thread at a time may load. */

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RHOFLUX_API __attribute__((visibility("default")))

typedef struct rhoflux_model rhoflux_model;

/* "0.1.0", the version of the library. */
RHOFLUX_API const char* rhoflux_version(void);

/* Reads a checkpoint; NULL on failure. Free it by rhoflux_free(). */
RHOFLUX_API rhoflux_model* rhoflux_load(const char* path, char** error);
RHOFLUX_API void rhoflux_free(rhoflux_model* model);
RHOFLUX_API void rhoflux_free_text(char* text);

RHOFLUX_API int rhoflux_n_dims(const rhoflux_model* model);
/* The time range of the training data. */
RHOFLUX_API double rhoflux_t_first(const rhoflux_model* model);
RHOFLUX_API double rhoflux_t_last(const rhoflux_model* model);
/* Name of coordinate i (NULL unless 0 <= i < n_dims) and the unit of time; they live as long as the model. */
RHOFLUX_API const char* rhoflux_dim_name(const rhoflux_model* model, int i);
RHOFLUX_API const char* rhoflux_time_unit(const rhoflux_model* model);

/* The condition of the points of all following calls, "dose=0.5,drug=A", for a model that was trained with conditions,
 * which needs one. Returns 2 for a value that is missing or not allowed. */
RHOFLUX_API int rhoflux_set_condition(rhoflux_model* model, const char* condition, char** error);

/* out (n) = log rho_t(x), the logarithm of 1 / units^n_dims. */
RHOFLUX_API int rhoflux_log_density(rhoflux_model* model, int64_t n, const double* t, const double* x, double* out,
                                    char** error);

/* out (n, n_dims) = s = d log rho_t(x) / dx, 1 / units. */
RHOFLUX_API int rhoflux_score(rhoflux_model* model, int64_t n, const double* t, const double* x, double* out,
                              char** error);

/* out (n, n_dims) = u = j / rho + g^2 / 2 s, the drift of dX = u dt + g dW, units / time. `volatility` is g as the
 * deck's flux.noise has it: a number such as "0.5", or time:value pairs such as "0:0.5,4:0.1"; NULL for the g that
 * the model was trained with. */
RHOFLUX_API int rhoflux_drift(rhoflux_model* model, int64_t n, const double* t, const double* x,
                              const char* volatility, double* out, char** error);

/* 1 if the population of the model changes its size (model.growth in the deck), else 0. */
RHOFLUX_API int rhoflux_grows(const rhoflux_model* model);

/* out (n) = r, the growth rate, births minus deaths, 1 / time. It is the same for every g; 0 unless rhoflux_grows(). */
RHOFLUX_API int rhoflux_growth(rhoflux_model* model, int64_t n, const double* t, const double* x, double* out,
                               char** error);

/* out (n) = M(t), the mass of the population relative to that at the first time; 1 unless rhoflux_grows(). */
RHOFLUX_API int rhoflux_mass(rhoflux_model* model, int64_t n, const double* t, double* out, char** error);

/* out (n_times, count, n_dims): independent samples of rho_t at each of the times; the same numbers as
 * `rhoflux sample --times .. --count .. --seed ..` writes. */
RHOFLUX_API int rhoflux_sample(rhoflux_model* model, int64_t n_times, const double* times, int64_t count,
                               uint64_t seed, double* out, char** error);

#ifdef __cplusplus
}
#endif

#endif
