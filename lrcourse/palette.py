r"""The course's colours, from Okabe and Ito: told apart by people who see few colours.

A colour means one thing wherever it appears; ``widgets/view.css`` and ``widgets/view.js`` repeat
these values, and a test compares them.
"""

BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
PINK = "#CC79A7"
SKY = "#56B4E9"
VERMILLION = "#D55E00"
YELLOW = "#F0E442"
BLACK = "#000000"
