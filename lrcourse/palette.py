r"""The colours of figures, labs and checks: colour-blind readers can tell them apart.

Blue to sky are Okabe and Ito's. ``widgets/view.css``, ``widgets/guess.js`` and
``grading/feedback.html`` repeat these values, and a test compares them.
"""

BLUE, VERMILLION, ORANGE, GREEN = "#0072B2", "#D55E00", "#E69F00", "#009E73"
SKY = "#56B4E9"
INK, GREY, PALE = "#222222", "#808080", "#e4e4e4"
# Ground and grid of the dark theme; its ink is PALE, its blue SKY.
NIGHT, DUSK = "#17191c", "#3c4046"
