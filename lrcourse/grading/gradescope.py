r"""What Gradescope exports: folders ``submission_N`` and a file that says whose each is.

"Export Submissions" gives a zip with one folder, ``assignment_N_export``. Its
``submission_metadata.yml`` has, for each entry beside it, the submitters with name, e-mail address
and student id, the time of handing in, and the earlier attempts.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from lrcourse.grading import GradingError, platforms
from lrcourse.grading.platforms import Owner

NAME = platforms.GRADESCOPE


def root(folder: Path) -> Path:
    r"""Return the folder that holds the metadata: this one, or the only one with it inside."""
    inside = [] if (folder / NAME).is_file() else list(folder.glob(f"*/{NAME}"))
    return inside[0].parent if len(inside) == 1 else folder


def owners(folder: Path, roster: Mapping[str, str]) -> dict[str, list[Owner]]:
    r"""Return for each entry whose it is, a group's members all; {} without the metadata.

    Args:
        folder: holds the metadata and the submissions.
        roster: the student of each identifier; empty without a roster.

    Raises:
        GradingError: the file cannot be read.
    """
    path = folder / NAME
    if not path.is_file():
        return {}
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # the first is 10 times as fast
        pass

    def plain(loader: Loader, suffix: str, node: yaml.Node) -> dict | None:
        # Ruby names its own classes; of a time that is one, the parts are of use.
        return loader.construct_mapping(node, True) if isinstance(node, yaml.MappingNode) else None

    Loader.add_multi_constructor("!", plain)
    try:
        told = yaml.load(path.read_bytes(), Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        where = "" if line is None else f", line {line + 1}"
        raise GradingError(f"{path}{where} is not YAML: export it again.") from None
    except MemoryError:
        raise GradingError(f"{path} is too large: export a part of the submissions.") from None
    if not isinstance(told, dict):
        raise GradingError(f"{path} names no submissions: export it again.")
    return {str(entry): list(_owners(what, roster)) for entry, what in told.items()}


def _owners(what: object, roster: Mapping[str, str]) -> Iterator[Owner]:
    if not isinstance(what, dict) or not isinstance(what.get(":submitters"), list):
        return
    when, note = _time(what), _attempts(what)
    attempt = "" if when is None else f"{when:015.0f}"
    for one in what[":submitters"]:
        told = (
            [one.get(key) for key in (":name", ":sid", ":email")] if isinstance(one, dict) else []
        )
        words = [platforms.composed(str(word).strip()) for word in told if word is not None]
        if words := list(filter(None, words)):
            listed = [roster[word] for word in reversed(words) if word in roster]
            yield Owner(listed[0] if listed else "_".join(words[:2]), attempt, when, note)


def _time(what: Mapping) -> float | None:
    told = what.get(":created_at")
    if isinstance(told, dict):
        told = told.get("utc")
    if not isinstance(told, datetime):
        return None
    return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()


def _attempts(what: Mapping) -> str:
    earlier = what.get(":history")
    if not isinstance(earlier, list) or not earlier:
        return ""
    times = [_time(one) for one in earlier if isinstance(one, dict)]
    last = (_time(what) or 0) >= max((time or 0 for time in times), default=0)
    return f"{'the last' if last else 'an earlier one'} of {len(earlier) + 1} attempts counts"
