#include "rhoflux/inference/verification.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include <functional>
#include <limits>
#include <set>
#include <string>

#include "unit/inference/inference_test_support.hpp"

namespace rhoflux::inference {
namespace {

using testing::make_checkpoint;
using testing::ModelCase;

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// A right model, of which each answer can be made wrong.
class FaultyModel : public VerifiedModel {
 public:
  explicit FaultyModel(const VerifiedModel& right) : m_right(right) {}

  std::function<void(States&)> break_samples = [](States&) {};
  std::function<void(const States&, int n_leading, std::vector<double>&)> break_log_density =
      [](const States&, int, std::vector<double>&) {};
  std::function<void(std::vector<double>&)> break_cdf = [](std::vector<double>&) {};
  std::function<void(DensityAndDrift&)> break_dynamics = [](DensityAndDrift&) {};
  std::function<void(std::vector<double>&)> break_diffusion = [](std::vector<double>&) {};
  std::function<void(int, double& flux)> break_flux = [](int, double&) {};

  int n_dims() const override { return m_right.n_dims(); }
  States sample(const std::vector<double>& tau, std::uint64_t seed, std::uint64_t stream) const override {
    States states = m_right.sample(tau, seed, stream);
    break_samples(states);
    return states;
  }
  std::vector<double> log_density(const States& at, int n_leading) const override {
    std::vector<double> values = m_right.log_density(at, n_leading);
    break_log_density(at, n_leading, values);
    return values;
  }
  std::vector<double> conditional_cdf(const States& at) const override {
    std::vector<double> levels = m_right.conditional_cdf(at);
    break_cdf(levels);
    return levels;
  }
  DensityAndDrift density_and_drift(const States& at) const override {
    DensityAndDrift values = m_right.density_and_drift(at);
    break_dynamics(values);
    return values;
  }
  std::vector<double> diffusion(double tau) const override {
    std::vector<double> values = m_right.diffusion(tau);
    break_diffusion(values);
    return values;
  }
  double marginal_flux(int i, double tau, double x, std::uint64_t seed) const override {
    double flux = m_right.marginal_flux(i, tau, x, seed);
    break_flux(i, flux);
    return flux;
  }

 private:
  const VerifiedModel& m_right;
};

class Verification : public ::testing::Test {
 protected:
  Verification() {
    options.points = 60;
    options.samples = 2000;
    options.mass_points = 2000;
    options.mass_centres = 500;
    options.volatility = testing::constant_volatility(0.5);
  }

  /// Makes a right model, breaks it, and gives the names of the checks that fail.
  std::set<std::string> failures(const ModelCase& of, const std::function<void(FaultyModel&)>& break_it) {
    const Inference inference(make_checkpoint(of));
    const VerifiedInference right(inference, options.volatility);
    FaultyModel model(right);
    break_it(model);
    std::set<std::string> names;
    for (const Check& check : verify(model, comm, options)) {
      EXPECT_EQ(check.passed, check.value <= check.bound) << check.name;
      if (!check.passed) names.insert(check.name);
    }
    return names;
  }
  std::set<std::string> failures(int n_dims, const std::function<void(FaultyModel&)>& break_it) {
    return failures({density::Family::autoregressive, n_dims, flux::DivergenceFree::none}, break_it);
  }

  mpi::Communicator comm{MPI_COMM_SELF};
  VerificationOptions options;
  const std::set<std::string> equation = {"Fokker-Planck residual, largest", "Fokker-Planck residual, RMS"};
  const std::set<std::string> mass = {"mass, |int rho - 1|"};
  const std::set<std::string> conditionals = {"mass of conditionals, |int f_i - 1|"};
  const std::set<std::string> far_flux = {"flux through a far boundary"};
  const std::set<std::string> samples = {"Kolmogorov-Smirnov of samples"};
};

TEST_F(Verification, ARightModelPassesAll) {
  for (const ModelCase& test_case : testing::model_cases({1, 2, 3})) {
    const Inference inference(make_checkpoint(test_case));
    const std::vector<Check> checks = verify(inference, comm, options);
    EXPECT_EQ(checks.size(), test_case.n_dims > 2 ? 6 : 5);
    for (const Check& check : checks)
      EXPECT_TRUE(check.passed) << check.name << ": " << check.value << ", bound " << check.bound << ", "
                                << test_case.n_dims << " dimensions";
  }
}

TEST_F(Verification, ADriftThatIsOffFailsTheEquationAlone) {
  for (const int n_dims : {1, 2})
    EXPECT_EQ(failures(n_dims,
                       [](FaultyModel& model) {
                         model.break_dynamics = [](VerifiedModel::DensityAndDrift& values) {
                           for (double& u : values.drift) u *= 1.001;
                         };
                       }),
              equation);
}

TEST_F(Verification, AnotherVolatilityThanThatOfTheDriftFailsTheEquationAlone) {
  EXPECT_EQ(failures(2,
                     [](FaultyModel& model) {
                       model.break_diffusion = [](std::vector<double>& values) { values[1] *= 1.001; };
                     }),
            equation);
}

TEST_F(Verification, ADriftThatIsNotANumberFailsTheEquationAlone) {
  EXPECT_EQ(failures(1,
                     [](FaultyModel& model) {
                       model.break_dynamics = [](VerifiedModel::DensityAndDrift& values) {
                         values.drift.back() = not_a_number;
                       };
                     }),
            equation);
}

/// By a thousandth, in the marginal of x_1 (the outer integral) or in the conditional of x_2 (the inner). A cell
/// in which density and distribution function disagree is halved as long as that is allowed: here not for long.
TEST_F(Verification, MassThatIsOffFailsTheMassAlone) {
  options.quadrature.max_cells = 150;
  const auto heavier_from = [](int first) {
    return [first](FaultyModel& model) {
      model.break_log_density = [first](const States&, int n_leading, std::vector<double>& values) {
        if (n_leading >= first)
          for (double& value : values) value += 1e-3;
      };
    };
  };
  EXPECT_EQ(failures(1, heavier_from(1)), mass);
  EXPECT_EQ(failures(2, heavier_from(1)), mass);
  EXPECT_EQ(failures(2, heavier_from(2)), mass);
  EXPECT_EQ(failures(3, heavier_from(1)), conditionals);
  EXPECT_EQ(failures(3, heavier_from(2)), conditionals);
  EXPECT_EQ(failures(3, heavier_from(3)), conditionals);
}

TEST_F(Verification, ADensityThatIsNotANumberFailsTheMassAlone) {
  options.quadrature.max_cells = 150;
  const auto no_number = [](FaultyModel& model) {
    model.break_log_density = [](const States&, int, std::vector<double>& values) {
      if (!values.empty()) values.back() = not_a_number;
    };
  };
  EXPECT_EQ(failures(1, no_number), mass);
  EXPECT_EQ(failures(2, no_number), mass);
  EXPECT_EQ(failures(3, no_number).count(*conditionals.begin()), 1);
}

/// Twice the density at tau = 1/2 but near one x_1, that at which the conditionals are looked at: only the
/// integral over all of space can tell.
TEST_F(Verification, MassThatIsOffWhereNoConditionalIsLookedAtFailsTheSamplingAlone) {
  for (const density::Family family : {density::Family::autoregressive, density::Family::factorised}) {
    const ModelCase test_case = {family, 3, flux::DivergenceFree::none};
    const Inference inference(make_checkpoint(test_case));
    const VerifiedInference right(inference, options.volatility);
    const double x1 = right.sample({0, 0.5, 1}, options.seed, 1004).x[3];  // the stream of the conditionals
    EXPECT_EQ(failures(test_case,
                       [x1](FaultyModel& model) {
                         model.break_log_density = [x1](const States& at, int n_leading,
                                                        std::vector<double>& values) {
                           for (std::size_t s = 0; s < values.size(); ++s)
                             if (n_leading == 3 && at.tau[s] == 0.5 && std::fabs(at.x[3 * s] - x1) > 0.1)
                               values[s] += std::log(2);
                         };
                       }),
              mass);
  }
}

TEST_F(Verification, FluxFarOutFailsItsCheckAlone) {
  for (const double extra : {2e-6, -2e-6, not_a_number})
    EXPECT_EQ(failures(2,
                       [extra](FaultyModel& model) {
                         model.break_flux = [extra](int i, double& flux) {
                           if (i == 1) flux += extra;
                         };
                       }),
              far_flux);
}

/// A tenth of a standard deviation with 2000 samples: sqrt(n) D_n of about 2.
TEST_F(Verification, ShiftedSamplesFailKolmogorovSmirnovAlone) {
  for (const int n_dims : {1, 2, 3})
    EXPECT_EQ(failures(n_dims,
                       [n_dims](FaultyModel& model) {
                         model.break_samples = [n_dims](States& states) {
                           for (std::size_t k = static_cast<std::size_t>(n_dims - 1); k < states.x.size();
                                k += static_cast<std::size_t>(n_dims))
                             states.x[k] += 0.2;
                         };
                       }),
              samples)
        << n_dims << " dimensions";
}

TEST_F(Verification, DistributionFunctionsThatAreOffFailKolmogorovSmirnovAlone) {
  EXPECT_EQ(failures(3,
                     [](FaultyModel& model) {
                       model.break_cdf = [](std::vector<double>& levels) {
                         for (double& level : levels) level *= level;
                       };
                     }),
            samples);
  EXPECT_EQ(failures(1,
                     [](FaultyModel& model) {
                       model.break_cdf = [](std::vector<double>& levels) {
                         if (levels.size() == 80) levels.front() = not_a_number;  // the last block of 2000
                       };
                     }),
            samples);
}

}  // namespace
}  // namespace rhoflux::inference
