r"""Labs: pictures that answer a slider in the next frame.

`labs` computes the outcomes, `lab` shows them (Python and `view.js`), `static_svg` draws them where
there is no browser. Nothing is imported here; anywidget loads with the first lab.
"""
