"""What a study can see: the smallest difference in accuracy that its questions and seeds can tell apart.

Known before anything runs, so the accuracies and their spread have to be assumed. The assumptions are those
under which the formula gives about what the embedded study measures of itself (with 500 questions and 3 seeds
5.3 points; README: 5.2); after a study, `analysis.differences` says it from the answers themselves.
"""

from __future__ import annotations

ALPHA, POWER = 0.05, 0.80

# Assumed: the arms' accuracy; the correlation of two answers to one question, whether two arms gave them or
# two seeds of one arm; and the standard deviation of an arm's accuracy over seeds.
ACCURACY = 0.30
CORRELATION = 0.5
SEED_SPREAD = 0.010

ASSUMPTIONS = (
    f"assumed: {ACCURACY:.0%} right, answers correlate {CORRELATION:g}, seeds differ by "
    f"{100 * SEED_SPREAD:g} point (sd)"
)


def least_difference(questions: int, seeds: int) -> float:
    """Return the smallest difference of two arms' accuracies, in points, seen with 80% power at 5%.

    The arms answer the same n questions, each under k seeds of its own. The difference of their means has
    the variance

        V = 2 a (1 - a) (1 - c) / (k n) + 2 s^2 / k

    for accuracy a, correlation c and seed spread s: the questions' part is that of Miller 2024 (arXiv
    2411.00640, section 5, equation 9; on paired tests of accuracy also Card et al. 2020, "With Little Power
    Comes Great Responsibility", EMNLP), the second part the trainings'. The difference seen is

        (t(1 - ALPHA / 2) + t(POWER)) sqrt(V)

    with the degrees of freedom of both arms' seeds, as the test of `analysis.differences` has them where, as
    here, no question is harder for one arm than for the other. It is that of one pair: Holm's correction
    over all pairs of a study asks for more.

    Args:
        questions: scored in the confirm stage, at least 2.
        seeds: of the confirm stage, at least 2: one seed says nothing of the spread.
    """
    from scipy import special

    variance_of_answer = ACCURACY * (1 - ACCURACY) * (1 - CORRELATION) / (seeds * questions)
    of_questions, of_seeds = 2 * variance_of_answer, SEED_SPREAD**2 / seeds
    variance = of_questions + 2 * of_seeds
    spread = of_questions**2 / (questions - 1) + 2 * (of_seeds + variance_of_answer) ** 2 / (seeds - 1)
    df = variance**2 / spread
    quantiles = special.stdtrit(df, 1 - ALPHA / 2) + special.stdtrit(df, POWER)
    return float(100 * quantiles * variance**0.5)
