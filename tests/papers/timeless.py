"""What a run measured, without the CPU times, which are never the same again."""


def timeless(found):
    r"""Return a result, or a list of them, without its times."""
    if isinstance(found, list):
        return [timeless(each) for each in found]
    return {name: value for name, value in found.items() if not name.endswith("_ms")}
