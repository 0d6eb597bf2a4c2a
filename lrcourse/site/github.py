r"""The one address that a site is told: its repository on GitHub, and every link made from it."""

import re
from dataclasses import dataclass

from lrcourse.site import SiteError


@dataclass(frozen=True)
class GitHub:
    r"""A repository on GitHub, whose Pages hold the site.

    Attributes:
        owner: whose it is.
        name: what it is called.
    """

    owner: str
    name: str

    @classmethod
    def named(cls, text: str) -> "GitHub":
        r"""Return the repository "OWNER/NAME".

        Raises:
            SiteError: the text is not of that form.
        """
        if not (found := re.fullmatch(r"([\w-]+)/([\w.-]+)", text)):
            raise SiteError(f"{text!r} is no repository on GitHub: write OWNER/NAME.")
        return cls(*found.groups())

    @property
    def root(self) -> str:
        r"""The path of the site on its host."""
        own = self.name.lower() == f"{self.owner}.github.io".lower()
        return "/" if own else f"/{self.name}/"

    @property
    def address(self) -> str:
        r"""Where Pages put the site."""
        return f"https://{self.owner.lower()}.github.io{self.root}"

    def binder(self, path: str) -> str:
        r"""The link that opens a notebook on Binder."""
        return f"https://mybinder.org/v2/gh/{self.owner}/{self.name}/HEAD?urlpath=lab/tree/{path}"

    def colab(self, path: str) -> str:
        r"""The link that opens a notebook on Colab."""
        place = f"{self.owner}/{self.name}/blob/HEAD/{path}"
        return f"https://colab.research.google.com/github/{place}"
