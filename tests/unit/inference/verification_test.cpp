#include "rhoflux/inference/verification.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include <functional>
#include <limits>
#include <memory>
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
  std::function<void(const States&, std::vector<double>&)> break_cdf_at = [](const States&,
                                                                             std::vector<double>&) {};
  std::function<void(DensityAndDrift&)> break_dynamics = [](DensityAndDrift&) {};
  std::function<void(std::vector<double>&)> break_diffusion = [](std::vector<double>&) {};
  std::function<void(int, MarginalFlux&)> break_flux = [](int, MarginalFlux&) {};
  std::function<void(Reach&)> break_reach = [](Reach&) {};
  bool is_fine = false;

  int n_dims() const override { return m_right.n_dims(); }
  bool is_finely_structured() const override { return is_fine; }
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
    break_cdf_at(at, levels);
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
  Reach conditional_reach(const States& at, double log_mass) const override {
    Reach reach = m_right.conditional_reach(at, log_mass);
    break_reach(reach);
    return reach;
  }
  double coordinate_rounding(int i) const override { return m_right.coordinate_rounding(i); }
  MarginalFlux marginal_flux(int i, const std::vector<double>& tau, const std::vector<double>& x,
                             const MonteCarlo& integral) const override {
    MarginalFlux found = m_right.marginal_flux(i, tau, x, integral);
    break_flux(i, found);
    return found;
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
    options.progress_seconds = 0;
    options.volatility = testing::constant_volatility(0.5);
  }

  /// Makes a right model, breaks it, and gives the checks.
  std::vector<Check> checks_of(const ModelCase& of, const std::function<void(FaultyModel&)>& break_it) {
    const Inference inference(make_checkpoint(of));
    const VerifiedInference right(inference, options.volatility);
    FaultyModel model(right);
    break_it(model);
    return verify(model, comm, options);
  }
  /// The names of those with a verdict.
  static std::set<std::string> names_of(const std::vector<Check>& checks, Verdict verdict) {
    std::set<std::string> names;
    for (const Check& check : checks)
      if (check.verdict == verdict) names.insert(check.name);
    return names;
  }
  std::set<std::string> failures(const ModelCase& of, const std::function<void(FaultyModel&)>& break_it) {
    return names_of(checks_of(of, break_it), Verdict::failed);
  }
  std::set<std::string> failures(int n_dims, const std::function<void(FaultyModel&)>& break_it) {
    return failures({density::Family::autoregressive, n_dims, flux::DivergenceFree::none}, break_it);
  }

  mpi::Communicator comm{MPI_COMM_SELF};
  VerificationOptions options;
  const std::set<std::string> equation = {"Fokker-Planck residual, largest", "Fokker-Planck residual, RMS"};
  const std::set<std::string> mass = {"mass, |int rho - 1|"};
  const std::set<std::string> conditionals = {"mass of conditionals, |int f_i - 1|"};
  const std::set<std::string> derivative = {"conditionals, F' = f"};
  const std::set<std::string> far_flux = {"flux through a far boundary"};
  const std::set<std::string> samples = {"Kolmogorov-Smirnov of samples"};
  static std::set<std::string> both(std::set<std::string> a, const std::set<std::string>& b) {
    a.insert(b.begin(), b.end());
    return a;
  }
};

TEST_F(Verification, ARightModelPassesAll) {
  for (const ModelCase& test_case : testing::model_cases({1, 2, 3})) {
    const Inference inference(make_checkpoint(test_case));
    const std::vector<Check> checks = verify(inference, comm, options);
    EXPECT_EQ(checks.size(), test_case.n_dims > 2 ? 7 : 6);
    for (const Check& check : checks)
      EXPECT_EQ(check.verdict, Verdict::passed) << check.name << ": " << check.value << ", bound "
                                                << check.bound << ", " << test_case.n_dims << " dimensions";
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
TEST_F(Verification, MassThatIsOffFailsTheMassAndTheConditionals) {
  options.quadrature.max_cells = 150;
  const auto heavier_from = [](int first) {
    return [first](FaultyModel& model) {
      model.break_log_density = [first](const States&, int n_leading, std::vector<double>& values) {
        if (n_leading >= first)
          for (double& value : values) value += 1e-3;
      };
    };
  };
  EXPECT_EQ(failures(1, heavier_from(1)), both(mass, derivative));
  EXPECT_EQ(failures(2, heavier_from(1)), both(mass, derivative));
  EXPECT_EQ(failures(2, heavier_from(2)), both(mass, derivative));
  EXPECT_EQ(failures(3, heavier_from(1)), both(conditionals, derivative));
  EXPECT_EQ(failures(3, heavier_from(2)), both(conditionals, derivative));
  EXPECT_EQ(failures(3, heavier_from(3)), both(conditionals, derivative));
}

/// Two coordinates of a density with much structure: the conditionals are integrated in place of the whole, and one that is
/// off by a thousandth is found.
TEST_F(Verification, ManyProductsHaveTheirConditionalsIntegrated) {
  options.quadrature.max_cells = 150;
  const std::vector<Check> checks = checks_of({}, [](FaultyModel& model) { model.is_fine = true; });
  EXPECT_EQ(names_of(checks, Verdict::passed).count(*conditionals.begin()), 1);
  EXPECT_EQ(names_of(checks, Verdict::failed).size(), 0);
  EXPECT_EQ(failures(2,
                     [](FaultyModel& model) {
                       model.is_fine = true;
                       model.break_log_density = [](const States&, int n_leading,
                                                    std::vector<double>& values) {
                         if (n_leading == 2)
                           for (double& value : values) value += 1e-3;
                       };
                     }),
            both(conditionals, derivative));
  ModelCase of = {density::Family::factorised, 2};
  for (const int n_products : {256, 257}) {
    of.n_products = n_products;
    const Inference inference(make_checkpoint(of));
    EXPECT_EQ(VerifiedInference(inference, options.volatility).is_finely_structured(), n_products == 257);
  }
}

TEST_F(Verification, ADensityThatIsNotANumberFailsTheMassAndTheConditionals) {
  options.quadrature.max_cells = 150;
  const auto no_number = [](FaultyModel& model) {
    model.break_log_density = [](const States&, int, std::vector<double>& values) {
      if (!values.empty()) values.back() = not_a_number;
    };
  };
  EXPECT_EQ(failures(1, no_number), both(mass, derivative));
  EXPECT_EQ(failures(2, no_number), both(mass, derivative));
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
                         model.break_flux = [extra](int i, VerifiedModel::MarginalFlux& found) {
                           if (i == 1)
                             for (double& flux : found.flux) flux += extra;
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

TEST_F(Verification, DistributionFunctionsThatAreOffFailTheirChecks) {
  EXPECT_EQ(failures(3,
                     [](FaultyModel& model) {
                       model.break_cdf = [](std::vector<double>& levels) {
                         for (double& level : levels) level *= level;
                       };
                     }),
            both(samples, derivative));
  EXPECT_EQ(failures(1,
                     [](FaultyModel& model) {
                       model.break_cdf = [](std::vector<double>& levels) {
                         if (levels.size() == 80) levels.front() = not_a_number;  // the last block of 2000
                       };
                     }),
            samples);
}

/// By less than samples can tell: a slope that is off by 1e-5, limits that are off by 1e-8, and one conditional of three.
TEST_F(Verification, DistributionFunctionsThatAreOffByLittleFailTheConditionalsAlone) {
  const auto changed = [](const std::function<void(std::size_t, double&)>& change) {
    return [change](FaultyModel& model) {
      model.break_cdf = [change](std::vector<double>& levels) {
        for (std::size_t k = 0; k < levels.size(); ++k) change(k, levels[k]);
      };
    };
  };
  options.quadrature.max_cells = 150;
  EXPECT_EQ(failures(1, changed([](std::size_t, double& level) { level += 1e-5 * level * (1 - level); })),
            derivative);
  EXPECT_EQ(failures(2, changed([](std::size_t, double& level) { level += 1e-8; })), derivative);
  EXPECT_EQ(failures(2, changed([](std::size_t, double& level) { level -= 1e-8; })), derivative);
  EXPECT_EQ(failures(3, changed([](std::size_t k, double& level) {
                       if (k % 3 == 2) level += 1e-5 * level * (1 - level);
                     })),
            derivative);
}

/// Of a density that is too large on one interval alone, which holds many of the samples of x_1.
TEST_F(Verification, ADensityThatIsOffOnAnIntervalFails) {
  options.quadrature.max_cells = 400;
  EXPECT_EQ(failures(1,
                     [](FaultyModel& model) {
                       model.break_log_density = [](const States& at, int, std::vector<double>& values) {
                         for (std::size_t s = 0; s < values.size(); ++s)
                           if (at.x[s] > -0.5 && at.x[s] < 0.5) values[s] += 1e-3;
                       };
                     }),
            both(mass, derivative));
}

/// A flux that does not vanish however far out fails, one that does so further out than the planes passes, and one that
/// there is no telling of is not decided.
TEST_F(Verification, FluxIsFollowedOutwardsAsLongAsThereIsMass) {
  const ModelCase one = {density::Family::autoregressive, 1, flux::DivergenceFree::none};
  const auto with_mass = [](double density_at_all, int n_crossing) {
    return [density_at_all, n_crossing](FaultyModel& model) {
      const auto calls = std::make_shared<int>(0);
      model.break_flux = [density_at_all, n_crossing, calls](int, VerifiedModel::MarginalFlux& found) {
        const bool crosses = (*calls)++ % 8 < n_crossing;
        for (double& density : found.density) density = density_at_all;
        for (double& flux : found.flux) flux = crosses ? 1e-5 : 0.0;
      };
    };
  };
  EXPECT_EQ(failures(one, with_mass(1e-14, 8)), far_flux);
  EXPECT_TRUE(failures(one, with_mass(1e-3, 3)).empty());
  EXPECT_EQ(names_of(checks_of(one, with_mass(1e-3, 8)), Verdict::not_decided), far_flux);
}

TEST_F(Verification, TailsBeyondTheRangeOfNumbersAreNotDecided) {
  const std::vector<Check> checks = checks_of({}, [](FaultyModel& model) {
    model.break_reach = [](VerifiedModel::Reach& reach) {
      for (double& high : reach.high) high = std::numeric_limits<double>::infinity();
    };
  });
  EXPECT_TRUE(names_of(checks, Verdict::failed).empty());
  EXPECT_EQ(names_of(checks, Verdict::not_decided), both(far_flux, derivative));
  for (const Check& check : checks) {
    if (check.verdict != Verdict::not_decided) continue;
    EXPECT_NE(check.note.find("; "), std::string::npos) << check.note;
  }
}

/// A share of 3e-5 of x_1 in a needle narrower than numbers can be apart: F has it, no node of a quadrature sees it.
TEST_F(Verification, MassInANeedleFinerThanNumbersIsNotDecided) {
  for (const int n_dims : {1, 2}) {
    constexpr double share = 3e-5, place = 0.31;
    const std::vector<Check> checks = checks_of(
        {density::Family::autoregressive, n_dims, flux::DivergenceFree::none}, [n_dims](FaultyModel& model) {
          model.break_log_density = [](const States&, int, std::vector<double>& values) {
            for (double& value : values) value += std::log1p(-share);
          };
          model.break_cdf_at = [n_dims](const States& at, std::vector<double>& levels) {
            const auto dims = static_cast<std::size_t>(n_dims);
            for (std::size_t k = 0; k < levels.size(); k += dims)
              levels[k] = (1 - share) * levels[k] + (at.x[k] > place ? share : 0.0);
          };
        });
    EXPECT_TRUE(names_of(checks, Verdict::failed).empty()) << n_dims;
    EXPECT_EQ(names_of(checks, Verdict::not_decided), mass) << n_dims;
  }
}

TEST_F(Verification, ImportanceSamplingThatFewPointsCountInIsNotDecided) {
  options.mass_centres = 2;
  const std::vector<Check> checks =
      checks_of({density::Family::autoregressive, 12, flux::DivergenceFree::none}, [](FaultyModel&) {});
  EXPECT_TRUE(names_of(checks, Verdict::failed).empty());
  EXPECT_EQ(names_of(checks, Verdict::not_decided), mass);
}

/// In more than ten dimensions there are fewer points, and each counts.
TEST_F(Verification, InManyDimensionsWrongModelsFail) {
  options.points = 0;
  options.samples = 500;
  const ModelCase twelve = {density::Family::autoregressive, 12, flux::DivergenceFree::none};
  EXPECT_EQ(failures(twelve,
                     [](FaultyModel& model) {
                       model.break_dynamics = [](VerifiedModel::DensityAndDrift& values) {
                         for (std::size_t k = 7; k < values.drift.size(); k += 12) values.drift[k] *= 1.001;
                       };
                     }),
            equation);
  EXPECT_EQ(failures(twelve,
                     [](FaultyModel& model) {
                       model.break_log_density = [](const States&, int n_leading,
                                                    std::vector<double>& values) {
                         if (n_leading >= 9)
                           for (double& value : values) value += 1e-5;
                       };
                     }),
            derivative);
  EXPECT_EQ(failures(twelve,
                     [](FaultyModel& model) {
                       model.break_flux = [](int i, VerifiedModel::MarginalFlux& found) {
                         if (i == 11) found.flux.back() += 2e-6;
                       };
                     }),
            far_flux);
}

TEST_F(Verification, LongChecksSayHowFarTheyAre) {
  std::vector<std::string> lines;
  options.progress = [&](const std::string& line) { lines.push_back(line); };
  (void)checks_of({}, [](FaultyModel&) {});
  ASSERT_FALSE(lines.empty());
  EXPECT_NE(lines.front().find(" % after "), std::string::npos) << lines.front();
  lines.clear();
  options.progress_seconds = 1e6;
  (void)checks_of({}, [](FaultyModel&) {});
  EXPECT_TRUE(lines.empty());
}

TEST(DefaultResidualPoints, FallWithTheDimension) {
  EXPECT_EQ(default_residual_points(1), 500);
  EXPECT_EQ(default_residual_points(10), 500);
  EXPECT_EQ(default_residual_points(20), 125);
  EXPECT_EQ(default_residual_points(100), 16);
}

}  // namespace
}  // namespace rhoflux::inference
