r"""What carries the chapters rather than the science: release, workspace and doctor."""
