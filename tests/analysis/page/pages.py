"""Pages to look at, and arms to show on them: one has a label in markup."""

from analysis.comparison.comparing import comparison
from analysis.page.frame import render_page
from analysis.reading.folders import open_studies
from tests.analysis.simulated_trials import SimulatedArm

ARMS = (
    SimulatedArm(accuracy=0.6),
    SimulatedArm("qlora", accuracy=0.2, label="qlora <b>main</b>"),
    SimulatedArm("zero_shot", accuracy=0.02),
)
HOSTILE = "</script><script>document.body.dataset.hacked='1'</script><img src=x onerror=\"alert(1)\">"


def page_of(path, most=200_000):
    """Return the page of a study, with at most so many predictions."""
    studies = open_studies([path])
    return render_page(studies, comparison(studies), most)
