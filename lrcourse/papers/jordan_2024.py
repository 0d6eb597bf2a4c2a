r"""Jordan et al. 2024: Muon, against Adam and against a step as long that is not orthogonalised.

The network and the images are those of the race. The control differs from Muon in one thing: each
matrix steps along its momentum, as far as Muon would step.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from array_api_compat import array_namespace

from lrcourse.nn import Array, Part
from lrcourse.optim import Adam, Momentum, Muon, Rule
from lrcourse.papers.dense import dense
from lrcourse.papers.race_runs import MAIN, WORKLOADS, stacked, train_rule
from lrcourse.papers.trial import (
    LOWER,
    NEVER_RUN,
    Claim,
    Judgement,
    Paper,
    Picture,
    Printed,
    Sample,
    Verdicts,
    asking,
    average,
    compare,
    control,
    curve_lines,
    over,
    rate_text,
    response,
    select,
    tuned,
)
from lrcourse.schedules import Cosine

RESOLUTION = 0.005  # of a test error: a smaller difference counts for nothing


class SameLength(Muon):
    """Muon's control: each matrix steps along its momentum, and as far as with Muon."""

    def orthogonalized(self, matrix: Array) -> Array:
        r"""Return the momentum with the Frobenius norm of its orthogonalised self.

        Args:
            matrix: the momentum of one matrix, (..., fan_in, fan_out).
        """
        norm = partial(array_namespace(matrix).linalg.vector_norm, axis=(-2, -1), keepdims=True)
        own = norm(matrix)
        return matrix * (norm(super().orthogonalized(matrix)) / (own + (own == 0)))


def hidden_only(parts: Sequence[Part]) -> Muon:
    r"""Return Muon as its authors recommend it: the first and the last matrix step by Adam.

    Args:
        parts: of the network; each layer has its weights, then its bias.
    """
    ends = 0, len(parts) - 2
    flat = [part._replace(shape=(1, math.prod(part.shape))) for part in parts]
    return Muon(Adam(), [flat[n] if n in ends else part for n, part in enumerate(parts)])


ADAM, MOMENTUM, MUON = "Adam", "momentum 0.9", "Muon"
SAME_LENGTH, HIDDEN, LONG = "same length", "Muon, hidden only", "Adam, as much CPU time"
ARMS: dict[str, Callable[[Sequence[Part]], Rule]] = {
    ADAM: lambda parts: Adam(),
    MOMENTUM: lambda parts: Momentum(),
    MUON: lambda parts: Muon(Adam(), parts),
    SAME_LENGTH: lambda parts: SameLength(Adam(), parts),
    HIDDEN: hidden_only,
    LONG: lambda parts: Adam(),
}
# The lowest and the highest rate of each, as powers of 2: seven for all.
RATES = {
    ADAM: (-10, -4),
    MOMENTUM: (-7, -1),
    MUON: (-8, -2),
    SAME_LENGTH: (-9, -3),
    HIDDEN: (-9, -3),
    LONG: (-11, -5),
}
# How many times as long as a step of Adam one of Muon took, on seeds 0 to 2 at the quick scale and
# in a few steps at the full one. It is a number of one machine, fixed before the runs that judge.
TIMES = {"quick": 4.3, "full": 12.0}


def grid(scale: str) -> list[dict]:
    r"""Return each arm at its seven rates, on the main workload of the race.

    Args:
        scale: "quick" or "full".
    """
    about = WORKLOADS[scale][MAIN]
    longer = {"epochs": round(TIMES[scale] * about["epochs"])}
    return [
        about | (longer if method == LONG else {}) | {"method": method, "learning_rate": 2.0**power}
        for method, (low, high) in RATES.items()
        for power in range(low, high + 1)
    ]


def train(
    network: str, method: str, learning_rate: float | Sequence[float], seed: int, **about: object
) -> dict | list[dict]:
    r"""Train one network, or one for each of several rates side by side, with a cosine to 0.

    Args:
        network: widths of its layers, such as "196-64-32-10".
        method: one of ``ARMS``.
        learning_rate: the highest rate, also of the biases; of a stack, a list.
        seed: of the start, the batches and the validation images, the same for all arms.
        about: data, batch_size, epochs and count, as for ``race_runs.train``.

    Returns:
        As ``race_runs.train``.
    """
    parts = dense(list(map(int, network.split("-"))), np.random.default_rng(seed)).parts
    about |= {"network": network, "learning_rate": learning_rate, "seed": seed}
    return train_rule(partial(ARMS[method], parts), Cosine, **about)


def best(rows: Sequence[dict], method: str) -> tuple[str, Sample]:
    r"""Return the rate with the lowest validation error in words, and the test errors there.

    Args:
        rows: of the sweep.
        method: one of ``ARMS``.
    """
    rate, errors = tuned(rows, "test_error", by="validation_error", method=method)
    return rate_text(rows, rate, method=method), errors


def better(rows: Sequence[dict], *pair: str) -> Judgement:
    r"""Judge that the first of two arms has the lower test error, each at its own best rate.

    Args:
        rows: of the sweep.
        pair: two of ``ARMS``.
    """
    (rate, a), (other, b) = (best(rows, method) for method in pair)
    about = f"{pair[0]} at {rate}, against {pair[1]} at {other}"
    return compare({about: (a, b)}, LOWER, RESOLUTION, 1, 100)


def cost(rows: Sequence[dict]) -> Judgement:
    """Judge that a step of Muon takes at most a tenth more CPU time than one of momentum."""
    muon, momentum = (
        average(list(response(rows, "step_ms", method=method).values()))
        for method in (MUON, MOMENTUM)
    )
    return compare({"Muon over momentum": over(muon, momentum, 1.1)}, digits=2)


def elsewhere(rows: Sequence[dict]) -> Judgement:
    """Say of a claim about larger networks that nothing here tests it."""
    return Judgement(text="no run here is of that network and those data", settled=NEVER_RUN)


FAIR = (
    "test error, %, each at the rate with its lowest validation error, of seven: lower by over 0.5 "
    "points"
)
LIU, WEN = "Liu et al. 2025, arXiv:2502.16982", "Wen et al. 2025, arXiv:2509.02046"
LARGER = "the same loss after that much less training"
CLAIMS = (
    Claim(
        "At its own best rate Muon has a lower test error than Adam",
        "10 hours in place of AdamW's 13.3, at 1.5 billion weights",
        FAIR,
        asking(better, MUON, ADAM),
        words="Trained a 1.5B parameter transformer to GPT-2 XL level performance on HellaSwag in "
        "10 8xH100-hours. Using AdamW to achieve the same result takes 13.3 hours.",
        primary=True,
    ),
    Claim(
        "It is the orthogonalised step: Muon has a lower test error than momentum whose step has "
        "the same length, matrix by matrix",
        "in words",
        FAIR,
        asking(better, MUON, SAME_LENGTH),
        words="We speculate that orthogonalization effectively increases the scale of other "
        '"rare directions" which have small magnitude in the update but are nevertheless '
        "important for learning.",
        primary=True,
    ),
    Claim(
        "Muon has a lower test error than momentum SGD, whose steps it orthogonalises",
        "Figure 1, curves",
        FAIR,
        asking(better, MUON, MOMENTUM),
    ),
    control(
        "Control: momentum whose step has Muon's length has a lower test error than momentum SGD",
        FAIR,
        asking(better, SAME_LENGTH, MOMENTUM),
    ),
    control(
        "Control: momentum whose step has Muon's length has a lower test error than Adam",
        FAIR,
        asking(better, SAME_LENGTH, ADAM),
    ),
    control(
        "Control: Muon has a lower test error than Adam with as much CPU time: 4.3 times the "
        "epochs, as a step of Muon takes 4.3 times as long on one machine",
        FAIR,
        asking(better, MUON, LONG),
    ),
    Claim(
        "As its authors recommend it, for the hidden matrix only and Adam for the first and the "
        "last, Muon has a lower test error than Adam",
        "Figures 1 to 3, curves",
        FAIR,
        asking(better, HIDDEN, ADAM),
        words="scalar and vector parameters of the network, as well as the input and output "
        "layers, should be optimized by a standard method such as AdamW",
    ),
    Claim(
        "So used, Muon has a lower test error than if it steps the first and the last matrix too",
        "in words",
        FAIR,
        asking(better, HIDDEN, MUON),
        words="Empirically, we find that it is also important to optimize input and output "
        "parameters using AdamW, even though these are typically 2D.",
    ),
    Claim(
        "A step of Muon takes at most a tenth more CPU time than one of momentum SGD",
        "below 1 % more multiplications, in language models",
        "a ratio of CPU times, mean of all rates, below 1.1",
        cost,
        words="for typical LM training scenarios, at both the small and large scale, Muon has a "
        "FLOP overhead below 1%",
    ),
    Claim(
        "CIFAR-10: Muon shortens the fastest training to 94 % accuracy",
        "from 3.3 to 2.6 seconds of an A100",
        LARGER,
        elsewhere,
        data=("cifar-10",),
    ),
    *(
        Claim(says, f"{times}; {source}", LARGER, elsewhere, words=words, data=("language models",))
        for says, times, source, words in (
            (
                "Muon needs half the computation of AdamW where both are scaled up",
                "about 2 times",
                LIU,
                "Muon achieves ~2x computational efficiency compared to AdamW with compute optimal "
                "training",
            ),
            (
                "The gain of rules that know matrices over a tuned AdamW shrinks with the network",
                "1.4 times at 0.1, 1.1 times at 1.2 billion weights",
                WEN,
                "the speedup of matrix-based optimizers is inversely proportional to model scale, "
                "decreasing from 1.4x over AdamW for 0.1B parameter models to merely 1.1x for 1.2B "
                "parameter models",
            ),
        )
    ),
)


def pictures(rows: Sequence[dict]) -> list[Picture]:
    r"""Return test error against learning rate.

    Args:
        rows: of the sweep.
    """
    curves = {method: response(rows, "test_error", method=method) for method in RATES}
    bottoms = (
        f"{method} comes down to {errors.show(1, 100)} % at {rate}"
        for method in RATES
        for rate, errors in [best(rows, method)]
    )
    alt = (
        f"Test error on {rows[0]['data']} against the highest learning rate: at the rate with the "
        f"lowest validation error {'; '.join(bottoms)}."
    )
    return [Picture(curve_lines(curves, 100), "learning rate", "test error, %", alt, log_y=True)]


def tables(rows: Sequence[dict]) -> list[Verdicts]:
    r"""Return the arms with their errors and what a step costs.

    Args:
        rows: of the sweep.
    """
    table = Verdicts(
        "Arms. Each at the rate with its lowest validation error. CPU time is that of a stack of "
        "seven rates, divided by seven, on one machine.",
        ("arm", "epochs", "best rate", "test error, %", "CPU ms a step"),
    )
    for method in RATES:
        (rate, errors), own = best(rows, method), select(rows, method=method)
        cost = average(list(response(own, "step_ms").values())).show(3)
        table.body.append((method, str(own[0]["epochs"]), rate, errors.show(1, 100), cost))
    return [table]


PAPER = Paper(
    name="muon",
    citation="Keller Jordan, Yuchen Jin, Vlado Boza, Jiacheng You, Franz Cesista, Laker Newhouse "
    "and Jeremy Bernstein, Muon: An optimizer for hidden layers in neural networks, 2024, "
    "kellerjordan.github.io/posts/muon.",
    claim="Momentum whose steps are orthogonalised, matrix by matrix (Muon), trains better than "
    "Adam.",
    control="Momentum whose step has the Frobenius norm of Muon's, matrix by matrix, and is not "
    "orthogonalised; every arm at the best of seven rates; Adam with as much CPU time.",
    open=(
        "The post trains language models and small convolutional networks, on GPUs; here it is a "
        "dense network of 15,000 weights on images of clothes. What the sources say of larger "
        "networks is listed, and not tested.",
        "The post leaves the first and the last matrix to AdamW. So small a network has one more, "
        "so Muon steps all three here, and once only that one, as the post says.",
        "Biases step by Adam at the same rate as the matrices. The post gives AdamW its own rate.",
        "Weight decay is left out for all arms. Momentum is 0.95 in Muon and its control, as in "
        "the post, and 0.9 elsewhere; only the rate is tuned.",
        "The factor of the step is the square root of outputs over inputs, if over 1; the post "
        "has none, later code of its authors has it. The control has it too.",
        "As much CPU time means 4.3 times as many epochs at the quick scale, the ratio of a step "
        "of Muon to one of Adam on the machine of these runs, where seven networks train side by "
        "side. On another machine, or with larger batches, it is another number.",
        "Rates were laid out around the best ones of seeds 0 to 2, which do not judge.",
        "All share one set of 2,000 test images; other images would move all of them.",
        "Semenov, Pagliardini and Jaggi 2025, arXiv:2509.01440, compare eleven optimizers on "
        "language models, a variant of Muon among them; we took no claim from there.",
    ),
    setting={
        "quick": "The race's network, 196-64-32-10, ReLU, on fashion-mini as 14x14 pixels: 8,000 "
        "images to train on, 2,000 each for validation and test; batches of 64, 10 epochs, a "
        "cosine to 0 for every arm; Adam also for 43 epochs.",
        "full": "784-256-128-10, ReLU, on Fashion-MNIST: 48,000 images to train on, 12,000 for "
        "validation, 10,000 for test; batches of 64, 30 epochs, a cosine to 0; Adam also for 360.",
    },
    effort=(
        "Easy: the post prints its code, and names its defaults.",
        "Hard: its evidence is records of speed on GPUs, without a spread over seeds.",
        "The authors were not asked.",
    ),
    grid=grid,
    train=train,
    stack=stacked,
    claims=CLAIMS,
    pictures=pictures,
    tables=tables,
    printed=(
        Printed("Figure 1", "loss of NanoGPT by step, several optimizers", "curves, no numbers"),
        Printed("Figure 2", "the same by time", "curves, no numbers"),
        Printed("Figure 3", "loss at 1.5 billion weights, Muon and AdamW", "curves, no numbers"),
        Printed("Results", "speed-up of NanoGPT speedrunning", "1.35 times"),
        Printed("Results", "hours to GPT-2 XL level, Muon", 10.0, digits=0),
        Printed("Results", "hours to GPT-2 XL level, AdamW", 13.3, digits=1),
    ),
    papers_data=("cifar-10", "fineweb"),
)
