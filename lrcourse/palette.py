r"""The colours of figures, labs and checks: colour-blind readers can tell them apart.

Blue and vermillion are Okabe and Ito's. ``widgets/view.js``, ``widgets/view.css`` and
``grading/feedback.html`` repeat these values, and a test compares them.
"""

BLUE, VERMILLION = "#0072B2", "#D55E00"
INK, GREY, PALE = "#222222", "#808080", "#e4e4e4"
