r"""The course as a static site: chapters executed (`execute`), as HTML (`render`), in `build`.

Nothing is imported here; the packages of the extra `site` load when a site is made.
"""


class SiteError(RuntimeError):
    r"""The site cannot be made; one sentence says why and what to do."""
