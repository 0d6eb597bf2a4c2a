r"""Optimizers: each is a rule that turns the gradient ``g`` into a step of ``w``.

``rule.py`` has what all share; every other file is one idea and reads alone. A rule's
``update(w, g, learning_rate)`` is its formula, in place and in the paper's letters.
"""

from lrcourse.optim.adaptive import AdaDelta, AdaGrad, Adam, AdamW, RMSprop
from lrcourse.optim.averaging import EMA, ScheduleFree, ScheduleFreeAdamW
from lrcourse.optim.direction import DirectionAccelerated
from lrcourse.optim.layerwise import LayerwiseRate, multiplier
from lrcourse.optim.matrix import Muon, newton_schulz
from lrcourse.optim.momentum import SGD, Momentum, Nesterov
from lrcourse.optim.rate_free import DoG
from lrcourse.optim.rule import Rule, zeros_like
from lrcourse.optim.signs import IRpropMinus, Lion, Rprop, SignSGD
