/* The same as examples/evaluate_model.cpp, through the C interface: for each point log rho and the drift. */
#include <rhoflux/library/rhoflux.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(char* message) {
  fprintf(stderr, "use_c_interface: %s\n", message);
  rhoflux_free_text(message);
  return 2;
}

int main(int argc, char** argv) {
  char* error = NULL;
  if (argc < 3) return 2;
  rhoflux_model* model = rhoflux_load(argv[1], &error);
  if (model == NULL) return fail(error);
  const int n_dims = rhoflux_n_dims(model), width = n_dims + 1;
  for (int first = 2; first + n_dims < argc; first += width) {
    double t = atof(argv[first]), log_density = 0;
    double* x = malloc(2 * (size_t)n_dims * sizeof(double));
    double* drift = x + n_dims;
    for (int i = 0; i < n_dims; ++i) x[i] = atof(argv[first + 1 + i]);
    if (rhoflux_log_density(model, 1, &t, x, &log_density, &error) != 0) return fail(error);
    if (rhoflux_drift(model, 1, &t, x, NULL, drift, &error) != 0) return fail(error);
    printf("%.12g", log_density);
    for (int i = 0; i < n_dims; ++i) printf(" %.12g", drift[i]);
    printf("\n");
    free(x);
  }
  rhoflux_free(model);
  return 0;
}
