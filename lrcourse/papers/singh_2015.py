r"""Singh et al. 2015: a rate for each layer, beside plain rules at the same and at the mean rate.

A run trains three times from the same weights on the same batches: plain, with layer-specific
rates, and as the control, plain at the rate times the mean multiplier of the second.
"""

from collections.abc import Sequence
from functools import partial

from lrcourse.papers.trial import (
    LOWER,
    NEVER_RUN,
    SAME,
    Claim,
    Judgement,
    Paper,
    Picture,
    Printed,
    Sample,
    asking,
    average,
    compare,
    control,
    curve_lines,
    lowest,
    over,
    points,
    rate_text,
    response,
    sample,
    select,
    tuned,
)

ON_TOP_OF = ("momentum", "NAG", "AdaGrad")  # the paper calls momentum SGD, as Caffe does
POINT = 1.0  # a difference of errors, in percent, within which they are the same


RAW = {"cifar-full"}  # learns from pixels of 0 to 255 less the mean image, the others from 0 to 1


def train(
    *,
    data: str,
    validation: float,
    learning_rate: float,
    seed: int,
    limit: int | None = None,
    **setting: object,
) -> dict[str, float]:
    r"""Train plain, with layer-specific rates, and plain at the mean of those rates.

    Args:
        data: name of the images.
        validation: the share of the training images to set aside, to choose rates by.
        learning_rate: the base rate of all three.
        seed: of weights and batches, and of the images that are set aside.
        limit: images to use, for a trial of the code; None: all.
        setting: as for ``train_arm``.

    Returns:
        Test errors in percent (not finite: diverged): "plain", "layerwise" and "control" at the
        end, and with "_early" after that step; with "_validation" the error on validation images,
        with "_loss" the loss on test images, with "_ms" CPU milliseconds a step; "gain", plain less
        layerwise; "multiplier", the mean over layers and steps; "spread", the largest layer's mean
        multiplier over the smallest's.
    """
    from lrcourse.papers.singh_networks import parts, train_arm  # torch, only where it is used

    found = parts(data, validation, seed, setting["network"] in RAW, limit)
    setting |= {"seed": seed}
    plain = train_arm(found, layerwise=False, learning_rate=learning_rate, **setting)
    layerwise = train_arm(found, layerwise=True, learning_rate=learning_rate, **setting)
    means = layerwise.multipliers
    mean = means.mean().item()
    control = train_arm(found, layerwise=False, learning_rate=learning_rate * mean, **setting)
    row: dict[str, float] = {}
    for name, arm in (("plain", plain), ("layerwise", layerwise), ("control", control)):
        row |= {name: arm.error, f"{name}_early": arm.early, f"{name}_loss": round(arm.loss, 5)}
        row |= {f"{name}_validation": arm.validation} if validation else {}
        row[f"{name}_ms"] = arm.step_ms
    return row | {
        "gain": round(plain.error - layerwise.error, 2),
        "multiplier": round(mean, 4),
        "spread": round((means.max() / means.min()).item(), 4),
    }


def grid(scale: str) -> list[dict]:
    r"""Return the settings: every rule at several rates, the paper's own among them.

    Args:
        scale: "quick" has a narrow LeNet and the deep sigmoid network on bundled images; "full"
            Caffe's LeNet for 2,000 iterations and its CIFAR-10 network for 70,000.
    """
    if scale == "quick":
        clothes = lenet_data = "fashion-mini"
        small = {"widths": [6, 16, 64], "iterations": 300, "early": 100}
    else:
        clothes, lenet_data = "fashion-mnist", "mnist"
        small = {"widths": [20, 50, 500], "iterations": 2000, "early": 500, "weight_decay": 5e-4}
    aside = {"validation": 0.2, "batch_size": 64}
    small |= {"data": lenet_data, "network": "lenet", **aside}
    settings = [
        {**small, "rule": rule, "learning_rate": rate, "gamma": 0.0 if rule == "AdaGrad" else 1e-4}
        for rule in ON_TOP_OF
        for rate in (0.0025, 0.005, 0.01, 0.02, 0.04, 0.08)
    ]
    deep = {"data": clothes, "network": "deep-sigmoid", "widths": [64] * 4, **aside}
    deep |= {"rule": "SGD", "iterations": 1200, "early": 400}
    settings += [{**deep, "learning_rate": rate} for rate in (0.1, 0.3, 1.0, 3.0, 10.0)]
    if scale == "quick":
        return settings
    cifar = {"data": "cifar-10", "validation": 0.2, "network": "cifar-full"}
    cifar |= {"widths": [32, 32, 64], "batch_size": 100, "early": 50_000}
    cifar |= {"weight_decay": 0.004, "last_decay": 1.0}
    long = {**cifar, "iterations": 70_000, "drops": [60_000, 65_000]}
    settings += [
        {**long, "rule": rule, "learning_rate": rate}
        for rule in ON_TOP_OF
        for rate in (0.0003, 0.001, 0.003)
    ]
    short = {**cifar, "iterations": 60_000, "drops": [50_000, 55_000]}
    return [*settings, {**short, "rule": "momentum", "learning_rate": 0.001}]


LENET = {"network": "lenet", "learning_rate": 0.01}  # Caffe's own rate
DEEP = {"network": "deep-sigmoid"}
CIFAR = {"network": "cifar-full", "learning_rate": 0.001}
LONG, SHORT = {**CIFAR, "iterations": 70_000}, {**CIFAR, "iterations": 60_000}
NAMES = {"plain": "plain", "layerwise": "layer-specific", "control": "control"}


def _arms(
    rows: Sequence[dict], first: str, second: str, rules: Sequence[str], **setting: object
) -> tuple[Sample, Sample, float]:
    # Two columns, each the mean of several rules within a seed, and the mean multiplier.
    a, b, multipliers = (
        average([sample(rows, column, rule=rule, **setting) for rule in rules])
        for column in (first, second, "multiplier")
    )
    return a, b, multipliers.mean


def _beats_plain(
    rows: Sequence[dict], rules: Sequence[str], ending: str = "", **setting: object
) -> Judgement:
    a, b, _ = _arms(rows, f"layerwise{ending}", f"plain{ending}", rules, **setting)
    return compare({"layer-specific, against plain": (a, b)}, LOWER, points(a), 2)


def _beats_control(
    rows: Sequence[dict], rules: Sequence[str], ending: str = "", **setting: object
) -> Judgement:
    a, b, mean = _arms(rows, f"layerwise{ending}", f"control{ending}", rules, **setting)
    about = f"layer-specific, against plain at {mean:.2f} times the rate"
    return compare({about: (a, b)}, LOWER, points(a), 2)


def _as_control(rows: Sequence[dict], rules: Sequence[str], **setting: object) -> Judgement:
    a, b, mean = _arms(rows, "layerwise", "control", rules, **setting)
    about = f"layer-specific, against plain at {mean:.2f} times the rate"
    resolution = points(a) if "mnist" in a.data else POINT
    return compare({about: (a, b)}, SAME, resolution, 2)


def _tuned(rows: Sequence[dict], **setting: object) -> Judgement:
    # Each at the best of its rates, of which both have the same.
    (ours, a), (theirs, b) = (
        tuned(rows, arm, by=f"{arm}_validation", **setting) for arm in ("layerwise", "plain")
    )
    at, rival = (rate_text(rows, rate, **setting) for rate in (ours, theirs))
    about = f"layer-specific at {at}, against plain at {rival}"
    return compare({about: (a, b)}, LOWER, points(a), 2)


def _each(rows: Sequence[dict], ending: str = "", **setting: object) -> dict:
    arms = f"layerwise{ending}", f"plain{ending}"
    return {rule: _arms(rows, *arms, [rule], **setting)[:2] for rule in ON_TOP_OF}


def _consistently(rows: Sequence[dict]) -> Judgement:
    pairs = _each(rows, **LONG)
    return compare(pairs, LOWER, points(pairs[ON_TOP_OF[0]][0]), 2)


def _cost(rows: Sequence[dict]) -> Judgement:
    ratios = {
        f"{rule}, layer-specific over plain": over(ours, plain, 1.1)
        for rule, (ours, plain) in _each(rows, "_ms", **LENET).items()
    }
    return compare(ratios, digits=2)


def _loss(rows: Sequence[dict]) -> Judgement:
    return compare(_each(rows, "_loss", **LONG), LOWER, 0.01, 3)


def _sooner(rows: Sequence[dict]) -> Judgement:
    layerwise = sample(rows, "layerwise", rule="momentum", **SHORT)
    plain = sample(rows, "plain", rule="momentum", **LONG)
    about = "layer-specific after 60,000, against plain after 70,000"
    return compare({about: (layerwise, plain)}, LOWER, points(plain), 2)


def _never_run(rows: Sequence[dict]) -> Judgement:
    return Judgement(
        text="lrcourse.papers.imagenet.alexnet trains this network; it is no part of the grid",
        settled=NEVER_RUN,
    )


LESS = "lower by over 0.5 points (MNIST: 0.1)"
BEST = (
    "each at the rate with its lowest validation error, both having the same rates to choose from; "
    "lower by over 0.5 points (MNIST: 0.1)"
)
ALIKE = f"the same within {POINT:g} point (MNIST: 0.1)"
OURS = "not in the paper"
MNIST, CIFAR_10, IMAGENET = ("mnist",), ("cifar-10",), ("imagenet",)
on_mnist, on_cifar = (partial(Claim, data=data) for data in (MNIST, CIFAR_10))
control_on_mnist, control_on_cifar = (partial(control, data=data) for data in (MNIST, CIFAR_10))
CLAIMS = (
    on_mnist(
        "LeNet: at the same rate, 0.01, the three rules end with a lower error with layer-specific "
        "rates",
        'better, "consistently" (Table I, whose numbers are missing)',
        f"mean of the three rules, by seed: {LESS}",
        asking(_beats_plain, ON_TOP_OF, **LENET),
        words="our proposed layer-specific learning rate is consistently better than Nesterov's "
        "accelerated gradient, stochastic gradient descent and AdaGrad",
        primary=True,
    ),
    on_mnist(
        "LeNet: the three rules learn faster, with a lower error early in the run",
        "in words, and Table I",
        f"mean of the three rules, by seed: {LESS}",
        asking(_beats_plain, ON_TOP_OF, "_early", **LENET),
        words="our method will boom accuracy further to reduces the required schooling time over "
        "giant algorithms",
        primary=True,
    ),
    on_cifar(
        "CIFAR-10: at the same rate, 0.001, the final error is lower on top of SGD, NAG and "
        "AdaGrad",
        "Table II, whose numbers are missing",
        f"at each of the three: {LESS}",
        _consistently,
        words="we again observe that final error and loss of our method is consistently lower than "
        "SGD, NAG and AdaGrad",
        primary=True,
    ),
    *(
        on_mnist(
            f"LeNet, {rule} alone: at the same rate, 0.01, a lower error",
            "better (Table I)",
            LESS,
            asking(_beats_plain, [rule], **LENET),
        )
        for rule in ON_TOP_OF
    ),
    *(
        control_on_mnist(
            f"Control, LeNet, {rule}: a plain rate as large as the mean one does the same",
            ALIKE,
            asking(_as_control, [rule], **LENET),
        )
        for rule in ON_TOP_OF
    ),
    *(
        control_on_mnist(
            f"Control, LeNet, {rule}: each at its own best rate, layer-specific rates are better",
            BEST,
            asking(_tuned, rule=rule, network="lenet"),
        )
        for rule in ON_TOP_OF
    ),
    Claim(
        "Where gradients vanish, layers learn faster: a deep sigmoid network at rate 0.3 has a "
        "lower error early in the run",
        "in words",
        LESS,
        asking(_beats_plain, ["SGD"], "_early", learning_rate=0.3, **DEEP),
        words="the equation scales up the learning rate to ensure that the initial layers of the "
        "network learn faster",
        data=(),
    ),
    control(
        "Control, deep sigmoid network: lower early on than with a plain rate as large as the mean "
        "one, too",
        LESS,
        asking(_beats_control, ["SGD"], "_early", learning_rate=0.3, **DEEP),
        data=(),
    ),
    control(
        "Control, deep sigmoid network: each at its own best rate, layer-specific rates are better",
        BEST,
        asking(_tuned, **DEEP),
        data=(),
    ),
    *(
        on_cifar(
            f"CIFAR-10, {rule}: a lower error at the same rate, 0.001",
            printed,
            LESS,
            asking(_beats_plain, [rule], **LONG),
        )
        for rule, printed in (
            ("momentum", "0.32 points more accuracy"),
            ("AdaGrad", "1.3 points more accuracy"),
            ("NAG", "lower (Table II, whose numbers are missing)"),
        )
    ),
    on_cifar(
        "CIFAR-10: with the step-down at 50,000, better after 60,000 iterations than plain after "
        "70,000",
        "accuracy 82.08 %",
        LESS,
        _sooner,
        words="Even if we step down the learning rate at 50,000 iterations (taking 60000 "
        "iterations in total), we obtain an accuracy of 82.08%, which is better than SGD after "
        "70,000 iterations",
    ),
    *(
        control_on_cifar(
            f"Control, CIFAR-10, {rule}: a plain rate as large as the mean one does the same",
            ALIKE,
            asking(_as_control, [rule], **LONG),
        )
        for rule in ON_TOP_OF
    ),
    on_cifar(
        "CIFAR-10: the final loss is lower on top of SGD, NAG and AdaGrad",
        "Table II, whose numbers are missing",
        "loss on test images, at each of the three: lower by over 0.01",
        _loss,
        words="final error and loss of our method is consistently lower than SGD, NAG and AdaGrad",
    ),
    on_mnist(
        "LeNet: a step costs at most a tenth more",
        "very little extra computation",
        "ratio of CPU times a step below 1.1, for each of the three rules",
        _cost,
        words="It requires very little extra computation over standard stochastic gradient methods",
    ),
    Claim(
        "ImageNet, AlexNet: an accuracy of 57.5 % after 295,000 iterations instead of 345,000",
        "15 % of the training time saved",
        "fewer iterations to that accuracy",
        _never_run,
        data=IMAGENET,
    ),
)


def _printed() -> tuple[Printed, ...]:
    cifar, imagenet = "IV B 2, CIFAR-10", "IV B 3, ImageNet"
    best = "highest accuracy, %, {}, plain and layer-specific"
    short = "error, % (accuracy 82.08 %), layer-specific, step-down at 50,000"
    momentum, adagrad = {"rule": "momentum"}, {"rule": "AdaGrad"}
    return (
        *(Printed("IV B 1, MNIST", best.format(rule), 99.2, digits=1) for rule in ON_TOP_OF),
        Printed(cifar, "gain in accuracy, points, SGD", 0.32, {**LONG, **momentum}, "gain", 2),
        Printed(cifar, "gain in accuracy, points, AdaGrad", 1.3, {**LONG, **adagrad}, "gain", 1),
        Printed(cifar, short, 17.92, {**SHORT, **momentum}, "layerwise", 2, resolution=1.0),
        Printed("Table II, Figure 1", "accuracy by iteration, three rules", "missing in our text"),
        Printed("Table I", "error by iteration, three rules", "missing in our text"),
        Printed(imagenet, "learning rate to begin with, layer-specific", 0.006, digits=3),
        Printed(imagenet, "accuracy, %, both", 57.5, digits=1),
        Printed(imagenet, "iterations to it, layer-specific", "295,000"),
        Printed(imagenet, "iterations to it, SGD", "345,000"),
        Printed(imagenet, "training time saved, %", "15"),
        Printed("Figure 2", "accuracy and loss after 100,000 and 200,000", "curves, no numbers"),
        Printed("Table III", "accuracy by iteration of the step-down", "missing in our text"),
        Printed("III", "AdaGrad fails to converge to a good solution on ImageNet", "in words"),
    )


def pictures(rows: Sequence[dict]) -> list[Picture]:
    r"""Return error against rate, a figure a rule; the control stands over the base rate.

    Args:
        rows: of the grid.
    """
    figures = []
    for network, rule in dict.fromkeys((row["network"], row["rule"]) for row in rows):
        found = select(rows, network=network, rule=rule)
        longest = max(row["iterations"] for row in found)
        curves = {name: response(found, arm, iterations=longest) for arm, name in NAMES.items()}
        about = f"{network}, {rule}"
        bottoms = "; ".join(f"{name} {lowest(curve)}" for name, curve in curves.items())
        alt = f"Test error on {found[0]['data']} against base rate, {about}: {bottoms}."
        x_label = f"base learning rate ({about})"
        figures.append(Picture(curve_lines(curves), x_label, "test error, %", alt))
    return figures


PAPER = Paper(
    name="layer-rates",
    citation="Singh, De, Zhang, Goldstein and Taylor 2015, Layer-Specific Adaptive Learning Rates "
    "for Deep Networks.",
    claim="A rate for each layer that grows as the layer's gradient shrinks, on top of SGD, NAG or "
    "AdaGrad, gives a lower error in fewer iterations.",
    control="The plain rule at the same rate times the mean of all multipliers that the "
    "layer-specific run used, from the same weights on the same batches; and each at "
    "its best rate.",
    open=(
        "The numbers of Tables I to III are missing in the text we have: only figures that stand "
        "in its sentences are compared.",
        "SGD, NAG and AdaGrad get the same base rate with and without the rule; its multiplier is "
        "above 1 for any gradient, so the two never take steps of the same size.",
        "The paper takes Caffe's networks and rates. From Caffe's files we took momentum 0.9, "
        "batches of 64 (LeNet) and 100 (CIFAR-10), starting weights, weight decay, the falling "
        "rate of LeNet, and for CIFAR-10 average pooling after the second and third convolution, "
        "where the paper says max. Its doubled rate for biases is left out, and for AdaGrad, whose "
        "rate is not printed, we took that of SGD, constant on LeNet.",
        "A layer is a module, weight and bias together, as the text says; Caffe's solvers loop "
        "over weights and biases one by one. The gradient is the mean over the batch, and "
        "includes weight decay, as in Caffe.",
        "Equation 10 multiplies a rate that has its multiplier by it once more; we use equation 9.",
        "Best rates are chosen by a fifth of the training images, set aside, another fifth for "
        "each seed; errors are those of the test images, as in the paper.",
        "The paper ran LeNet ten times and CIFAR-10 five times; here ten seeds are the default.",
        "One sentence on CIFAR-10 says: 'After step down, our adaptive method reaches a lower "
        "accuracy than both SGD and NAG.' The next one has 0.32 points more than SGD. We took the "
        "second, which fits the rest.",
        "That it escapes saddle points, and feels curvature, is said and not measured: its "
        "multiplier sees nothing but the size of a layer's gradient.",
        "The short run on CIFAR-10 drops its rate at 50,000 iterations; a second drop at 55,000 is "
        "our guess.",
        "ImageNet: python -m lrcourse.papers.imagenet.alexnet FOLDER trains AlexNet with the "
        "printed step-downs. It was tested on a few made images, not at this scale.",
    ),
    setting={
        "quick": "A narrow LeNet (6, 16 feature maps, 64 hidden units) on fashion-mini, 8,000 "
        "images to train on and 2,000 for validation, 300 iterations of 64; a sigmoid network "
        "196-64-64-64-64-10 on the same images pooled to 14x14, 1,200 iterations.",
        "full": "Caffe's LeNet (20, 50, 500) on MNIST, 2,000 iterations of 64 images; Caffe's "
        "CIFAR-10 network (32, 32, 64), 70,000 iterations of 100; the deep sigmoid network on "
        "Fashion-MNIST, 1,200 iterations of 64; a fifth of the training images for validation.",
        "own": "Caffe's LeNet (20, 50, 500) on all 60,000 training images of MNIST, 2,000 "
        "iterations of 64 images, base rate 0.01.",
    },
    effort=(
        "Easy: one formula, and Caffe's files have the networks and the rest of the setting.",
        "Hard: the tables are missing in our text, and the CIFAR-10 network takes hours on a CPU.",
        "The authors were not asked.",
    ),
    grid=grid,
    train=train,
    claims=CLAIMS,
    pictures=pictures,
    printed=_printed(),
    papers_data=("mnist", "cifar-10"),
)
