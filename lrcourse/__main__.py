r"""Run ``python -m lrcourse``."""

from lrcourse.cli import main

main(prog_name="lrcourse")
