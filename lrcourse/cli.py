r"""The command ``lrcourse``; each part of the package is imported when its command runs."""

import io
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from lrcourse import __version__
from lrcourse.messages import unknown

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
STOPPED = "Stopped. {} are kept; run the same command again to continue."


class Commands(click.Group):
    r"""A group that offers the nearest command for a misspelt one."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple:
        r"""Find the command named by ``args``; exit code 2 and a suggestion if there is none."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            ctx.fail(unknown("command", args[0], self.commands))
        return super().resolve_command(ctx, args)


@contextmanager
def _stoppable(stopped: str, extra: str = "") -> Iterator[None]:
    # Wraps the imports of a command too: Ctrl-C and a missing package often meet them first.
    try:
        yield
    except KeyboardInterrupt:
        click.echo(stopped, err=True)
        raise SystemExit(130) from None
    except ImportError as error:
        package = f".[{extra}]" if extra else "."
        raise click.ClickException(
            f"{error}. In a clone, run  python -m pip install '{package}'  or ask  lrcourse doctor"
        ) from None


@contextmanager
def _reported(*errors: type[Exception]) -> Iterator[None]:
    # The sentence of such an error is all that the user needs.
    try:
        yield
    except errors as error:
        raise click.ClickException(str(error)) from None


def _examples(*lines: str) -> str:
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


@click.group(
    cls=Commands,
    epilog=_examples(
        "lrcourse lab        copy the chapters to ./lrcourse-work and open JupyterLab there",
        "lrcourse doctor     find out what is wrong with an installation",
    ),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, message="lrcourse %(version)s")
def main() -> None:
    r"""How big a step should a network take? A course in Jupyter."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr: cp932 has no letter ä
    if callable(signal.getsignal(signal.SIGINT)):  # else it is ignored, as behind a script's &
        before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
        click.get_current_context().call_on_close(lambda: signal.signal(signal.SIGTERM, before))


@main.command(
    epilog=_examples(
        "lrcourse lab", "lrcourse lab ~/learning-rate", "lrcourse lab --no-browser --port 8890"
    )
)
@click.argument("folder", type=click.Path(path_type=Path), default="lrcourse-work")
@click.option("--no-browser", is_flag=True, help="Print the address instead of opening a browser.")
@click.option("--port", type=click.IntRange(1, 65535), help="Serve at this port, not any free one.")
def lab(folder: Path, no_browser: bool, port: int | None) -> None:
    r"""Copy the chapters and open JupyterLab.

    FOLDER, ./lrcourse-work unless named, gets the chapters. Your own files there are never
    overwritten: a chapter that changed in a new version of the course is put beside yours.
    """
    from lrcourse.course import workspace

    with _reported(workspace.WorkspaceError):
        for line in workspace.deliver(folder, workspace.course_folder(), __version__):
            click.echo(line)
        workspace.serve(folder, port, browser=not no_browser)


@main.command(epilog=_examples("lrcourse doctor"))
def doctor() -> None:
    r"""Check this installation.

    Prints OK or FAIL for each part, and the command that fixes it.
    """
    from lrcourse.course.doctor import examine

    healthy = True
    for ok, line in examine():
        click.echo(line)
        healthy &= ok
    if not healthy:
        raise SystemExit(1)


@main.command(epilog=_examples("lrcourse data fashion-mini", "lrcourse data fashion-mnist"))
@click.argument("name")
def data(name: str) -> None:
    r"""Describe a data set.

    Prints what the set NAME holds, its source and licence, and downloads it if need be.
    """
    from lrcourse.data import load

    with _reported(ValueError, OSError, LookupError):
        found = load(name)
    sizes = ", ".join(f"{len(getattr(found, p).y)} {p}" for p in ("train", "validation", "test"))
    height, width, *channels = found.image_shape
    click.echo(f"{found.name}: {height}x{width} {'colour' if channels else 'grey'} images, {sizes}")
    click.echo(f"classes: {', '.join(map(str, found.classes))}")
    click.echo(f"source: {found.source}")
    click.echo(f"licence: {found.licence}")


@main.command(epilog=_examples("lrcourse release", "lrcourse release --check"))
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 if a notebook differs.")
def release(check: bool) -> None:
    r"""Make the notebooks, in a clone.

    From each solutions/NN_name.py come solutions/NN_name.ipynb and chapters/NN_name.ipynb.
    """
    from lrcourse.course import release as releasing

    try:
        root = releasing.find_root(Path.cwd())
        lines = releasing.differences(root) if check else releasing.release(root)
    except releasing.ReleaseError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{error.filename} cannot be used: {error.strerror}.") from None
    for line in lines:
        click.echo(line if check else f"wrote {line.relative_to(root)}")
    if not lines:
        click.echo(f"The notebooks in {root} are as their sources say.")
    if check and lines:
        raise SystemExit(1)


@main.command(
    epilog=_examples(
        "lrcourse grade submitted --roster roster.csv --out grades",
        "lrcourse grade submitted --assignment 02 --jobs 8 --checks ~/private-checks",
        "lrcourse grade submitted --out grades --marks grades/manual/01.q1.csv",
    )
)
@click.argument("submissions", type=click.Path(exists=True, path_type=Path))
@click.option("--roster", type=FILE, help="CSV with a column `student`: each gets a row.")
@click.option("--due", type=FILE, help="CSV of `assignment`, `due` and perhaps `student`.")
@click.option("--late", default="none", help="none, cut-off, or percent of the points a day.")
@click.option(
    "--adjust", type=FILE, help="CSV of `student`, `exercise`, `points`, `bonus`, `comment`."
)
@click.option("--fill", type=FILE, multiple=True, help="A Canvas gradebook or Moodle worksheet.")
@click.option("--report", is_flag=True, help="Also write report.html about the class.")
@click.option("--package-use", is_flag=True, help="Mark answers that call lrcourse's own code.")
@click.option("--student", "students", multiple=True, help="Grade only this one.")
@click.option(
    "--exercise", "exercises", multiple=True, metavar="NN.M", help="Grade only this one again."
)
@click.option("--again", is_flag=True, help="Grade what is graded already, too.")
@click.option("--assignment", multiple=True, metavar="NN", help="Grade this chapter; default: all.")
@click.option("--out", type=click.Path(path_type=Path), default="grades", help="Where results go.")
@click.option("--checks", type=click.Path(path_type=Path), help="Folder of your own hidden checks.")
@click.option("--marks", type=FILE, multiple=True, help="A filled sheet of manual/ to read back.")
@click.option("--replace", is_flag=True, help="Who was graded and is not here becomes missing.")
@click.option(
    "--nbgrader",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write an nbgrader gradebook.",
)
@click.option("--jobs", type=click.IntRange(1), default=2, help="Submissions at a time.")
@click.option("--cpu", type=click.IntRange(1), default=10, help="CPU seconds for an exercise.")
@click.option("--dask", default="", metavar="ADDRESS", help="A Dask scheduler, or `local`.")
@click.option("--unsafe-no-sandbox", is_flag=True, help="Run student code as yourself. Do not.")
def grade(submissions: Path, out: Path, **options: object) -> None:
    r"""Grade a folder of notebooks, or a zip that a platform exported.

    SUBMISSIONS holds a folder for each student, or files named student_NN.ipynb. Student code runs
    in a sandbox. Run it again, and only what is missing or has changed is graded.
    """
    with _stoppable(STOPPED.format("Graded notebooks"), "grade"):
        from lrcourse.grading import GradingError, grade_command

        with _reported(GradingError):
            for line in grade_command.grade(submissions, out, **options):
                click.echo(line)


@main.command(
    "reproduce",
    epilog=_examples(
        "lrcourse reproduce                 list the papers",
        "lrcourse reproduce all --saved     report the runs that came with the package",
        "lrcourse reproduce irprop da-sgd",
        "lrcourse reproduce all --out ~/trials --jobs 8",
        "lrcourse reproduce irprop --scale full --dask tcp://10.0.0.5:8786",
    ),
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--scale", type=click.Choice(["quick", "full"]), default="quick", show_default=True)
@click.option("--seeds", type=click.IntRange(1), default=10, show_default=True, help="Runs each.")
@click.option("--jobs", type=click.IntRange(1), help="Runs at a time; default: a core each.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default="reproduced",
    show_default=True,
    help="Where results and reports go.",
)
@click.option("--dask", default="", metavar="ADDRESS", help="Run on the cluster of this scheduler.")
@click.option("--report-only", is_flag=True, help="Run nothing, report what is there.")
@click.option("--saved", "as_saved", is_flag=True, help="Report the package's own runs.")
def reproduce_papers(names: tuple[str, ...], **options: object) -> None:
    r"""Put a paper on trial.

    Runs the experiments of the paper NAME again, or of `all`, and writes a report: each figure it
    prints beside the measured one, and a verdict on each claim. Without a NAME the papers are
    listed. Stop it at any time, and run the same command again to continue. With --saved nothing
    is run: the report is of the runs that came with the package.
    """
    with _stoppable(
        STOPPED.format("Finished runs") + " With --report-only it reports what is there."
    ):
        from lrcourse.papers.reproduce_command import listed, reproduce
        from lrcourse.sweep import SweepError

        with _reported(SweepError, ValueError):
            for line in reproduce(names, **options) if names else listed():
                click.echo(line)


@main.command(epilog=_examples("lrcourse assign week-1 01 02 --due 'Friday 12 March, 18:00'"))
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("chapters", nargs=-1, required=True, metavar="NN...")
@click.option("--due", default="", help="The date, as the instructions should say it.")
@click.option(
    "--package",
    default="",
    help="What students give to pip: by default the wheel of this version, in the bundle.",
)
def assign(folder: Path, chapters: tuple[str, ...], due: str, package: str) -> None:
    r"""Make the bundle to hand out.

    FOLDER gets the chapters NN, what to install, and instructions; zip it or put it on your site.
    """
    from lrcourse.grading import GradingError, assign

    with _reported(GradingError):
        for path in assign.bundle(folder, chapters, due, package):
            click.echo(f"wrote {path}")


@main.command(
    epilog=_examples(
        "lrcourse site public             the whole course",
        "lrcourse site draft 00 01        two chapters, while you write them",
        "lrcourse site public --jobs 8",
        "lrcourse site public --github ann/lrcourse",
        "lrcourse site public --lite      and every chapter runs in the reader's browser",
    )
)
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("chapters", nargs=-1, metavar="[NN]...")
@click.option("--jobs", type=click.IntRange(1), default=2, help="Notebooks at a time; default: 2.")
@click.option("--cache", type=click.Path(path_type=Path), help="Keep the notebooks' outputs here.")
@click.option("--github", default="", metavar="OWNER/NAME", help="The repository of its Pages.")
@click.option("--lite", is_flag=True, help="Add JupyterLite: chapters that run in the browser.")
@click.option(
    "--pyodide",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Python for the browser, with its packages, to be served from the site itself.",
)
def site(
    out: Path,
    chapters: tuple[str, ...],
    jobs: int,
    cache: Path | None,
    github: str,
    lite: bool,
    pyodide: Path | None,
) -> None:
    r"""Make a static site of the course.

    OUT gets a page for each chapter NN (default: all) and its solution, executed, with sliders
    that need no kernel, and the documentation. Its pages load nothing from elsewhere: put it on any
    web server, or open OUT/index.html. Run it again, and only what has changed is executed.

    With --github each page also opens in Binder and Colab, and the site has a map for search
    engines, a picture for those who share a link, and a page for wrong addresses.

    With --lite every chapter also opens in JupyterLite, where it is filled in and run without a
    server or an installation. Python for the browser then comes from Pyodide's network, or with
    --pyodide from the site.
    """
    if pyodide and not lite:
        raise click.UsageError("--pyodide is for --lite.")
    with _stoppable(STOPPED.format("Executed notebooks"), "lite" if lite else "site"):
        import pooch

        from lrcourse.site import SiteError
        from lrcourse.site.build import build

        with _reported(SiteError):
            outputs = cache or pooch.os_cache("lrcourse") / "site"
            browser = None
            if lite:
                from lrcourse.site.lite import lite as jupyterlite

                browser = jupyterlite(pyodide)
            for line in build(out, chapters, outputs, jobs, github, browser):
                click.echo(line)
