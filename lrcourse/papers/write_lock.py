r"""Write the lock of the claims.

python -m lrcourse.papers.write_lock --because "why they change"
"""

import argparse
import json
from collections.abc import Sequence
from datetime import UTC, datetime

from lrcourse.files import write_whole
from lrcourse.papers import NAMES, paper
from lrcourse.papers.lock import PATH, locked, written


def main(arguments: Sequence[str] | None = None) -> None:
    r"""Write the lock.

    Args:
        arguments: of the command line; without them, those it was called with.
    """
    parser = argparse.ArgumentParser(prog="python -m lrcourse.papers.write_lock")
    parser.add_argument("--because", default="", help="why the claims change")
    because = parser.parse_args(arguments).because
    now = written(locked(), because, f"{datetime.now(UTC):%Y-%m-%d}", map(paper, NAMES))
    news = now["changes"][len(locked().get("changes", [])) :]
    if news and not because:
        parser.error("the claims have changed since they were locked: say why with --because.")
    write_whole(PATH, json.dumps(now, indent=1, ensure_ascii=False) + "\n")
    for change in news:
        print(f"{change['paper']}: {'; '.join(change['what'])}")
    print(f"{PATH}: {sum(len(found['claims']) for found in now['papers'].values())} claims")


if __name__ == "__main__":
    main()
