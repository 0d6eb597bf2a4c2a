r"""The page of five papers on trial: of each the picture of its claims first, then its verdicts."""

from collections import Counter
from collections.abc import Iterator, Sequence

from lrcourse.papers import NAMES, forest, paper, saved
from lrcourse.papers.lock import state
from lrcourse.papers.trial import VERDICTS, Paper, judged, judgements, markdown
from lrcourse.plots import png

FIVE = NAMES[:5]
FOLDER = "trials"  # of the pictures, beside the page
HEAD = """# Five papers on trial

Five papers each say that their step is the better one. Each was run again, on small networks and
images, beside a fair control: the same search over rates for both sides, the same seeds, and a rule
for the verdict that was written down before the runs. In the pictures each line is a claim, each
mark a difference. The grey band is what is too small to matter; green holds, red does not hold,
blue is no difference that counts, and orange is undecided."""
END = """## Run it again

`lrcourse reproduce irprop` runs a paper again on your machine and writes its whole report: every
printed figure, the curves, the settings, what the paper leaves open. `lrcourse reproduce` lists
these five, Muon as a newer method, and a race of all. [A fair
race](../../chapters/15_fair_race.ipynb) says how a verdict is found."""


def trials() -> tuple[str, dict[str, bytes]]:
    r"""Return the page as Markdown, and its pictures by the name that it calls them."""
    parts, pictures = [HEAD], {}
    for of in map(paper, FIVE):
        parts.append(f"## {of.name}")
        if "own" in of.setting:
            parts += _scale(of, "own", saved(of.name, "own"), pictures)
            parts.append("### On small networks")
        parts += _scale(of, "quick", saved(of.name), pictures)
        parts.append(f"**Claim.** {markdown(of.claim)}")
        parts.append(f"**Fair control.** {markdown(of.control)}")
    return "\n\n".join([*parts, END]), pictures


def _scale(
    of: Paper, scale: str, rows: Sequence[dict], pictures: dict[str, bytes]
) -> Iterator[str]:
    found = judgements(of, rows)
    counted = Counter(verdict for *_, verdict, _ in found)
    name = f"{FOLDER}/{of.name}-{scale}.png"
    pictures[name] = png(forest.figure(found))
    yield f"![{markdown(forest.words(found))}]({name})"
    counts = ", ".join(f"{counted[verdict]} {verdict}" for verdict in VERDICTS if counted[verdict])
    yield f"{len(found)} claims: {counts}."
    table = judged(of, rows, scale, state(of))._repr_markdown_().strip()
    yield f"<details><summary>Each claim, and what was measured</summary>\n\n{table}\n\n</details>"
