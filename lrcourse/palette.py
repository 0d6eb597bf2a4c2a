r"""The colours of figures, labs and checks: colour-blind readers can tell them apart.

Blue to green are Okabe and Ito's. ``widgets/view.js``, ``widgets/view.css``, ``widgets/guess.js``
and ``grading/feedback.html`` repeat these values, and a test compares them.
"""

BLUE, VERMILLION, ORANGE, GREEN = "#0072B2", "#D55E00", "#E69F00", "#009E73"
INK, GREY, PALE = "#222222", "#808080", "#e4e4e4"
