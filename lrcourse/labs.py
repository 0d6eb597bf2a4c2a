r"""The labs by their short name: ``lrcourse.labs.bowl()`` shows one; see ``widgets/labs``."""

from lrcourse.widgets.labs import *  # noqa: F403
