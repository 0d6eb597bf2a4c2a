r"""Checks of chapter 17, What a batch buys."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lrcourse.exercises import RETURNED_NONE, Check, Exercise, Wrong, compare, several

# ---- 17.1, when a run has arrived


def steps_to_target(steps: NDArray, losses: NDArray, target: float) -> float:
    r"""Return the step at which the mean of nine losses passes the target, inf if none does."""
    if len(losses) < 9:
        return math.inf
    mean, place = (np.convolve(each, np.ones(9) / 9, "valid") for each in (losses, steps))
    below = np.flatnonzero(mean <= target)
    if not len(below):
        return math.inf
    k = below[0]
    return float(np.interp(-target, -mean[k - 1 : k + 1], place[k - 1 : k + 1]) if k else place[0])


def noisy_run(rng: Generator, noise: float, target: float) -> tuple[NDArray, NDArray, float]:
    r"""Return the steps and losses of a made-up run, and the step where it passes the target.

    Args:
        rng: source of the noise, and of how fast the run learns.
        noise: deviation of a loss from the curve.
        target: the loss that counts as arrived.
    """
    arrival, power = float(np.exp(rng.uniform(4.5, 6.5))), rng.uniform(0.25, 0.45)
    steps = np.unique(np.rint(8 * 1.04 ** np.arange(150))).astype(int)
    ahead = np.log(steps / arrival)
    bend = rng.uniform(-0.04, 0.02)  # no power law: a fit to the whole run would miss
    losses = target * np.exp(-power * ahead - bend * ahead**2)
    losses += noise * rng.normal(size=len(steps))
    seen = steps < 1.6 * arrival
    return steps[seen], losses[seen], arrival


def _number(got: object, what: str = "the result") -> float:
    if got is None:
        raise Wrong(f"{what[0].upper()}{what[1:]}: {RETURNED_NONE}")
    try:
        return float(got)
    except (TypeError, ValueError):
        kind = type(got).__name__
        raise Wrong(f"{what[0].upper()}{what[1:]} should be a number, not a {kind}.") from None


def _pair(got: object, names: tuple[str, str]) -> tuple[float, float]:
    found = several(list(got) if np.ndim(got) == 1 else got, names)
    first, second = (_number(value, f"the {name}") for name, value in found.items())
    return first, second


def _late(answer: Callable, rng: Generator, noise: float, count: int) -> tuple[NDArray, bool]:
    # Log of found over true step, of many runs, and whether each found is a measurement's step.
    late, measured = [], True
    for _ in range(count):
        target = rng.uniform(0.4, 0.7)
        steps, losses, arrival = noisy_run(rng, noise * target, target)
        found = _number(answer(steps, losses, target))
        if not found > 0 or not np.isfinite(found):
            raise Wrong(f"A run that arrives at step {arrival:.0f} gets {found:g}.")
        if found < len(steps) and not np.isclose(found, arrival, rtol=0.5):
            raise Wrong(
                f"A run that arrives at step {arrival:.0f} gets {found:g}: is that the number of a "
                "measurement, not of a step?"
            )
        late.append(math.log(found / arrival))
        measured = measured and bool(np.isin(found, steps))
    return np.array(late), measured


def arrives_on_a_smooth_curve(answer: Callable, rng: Generator) -> None:
    r"""Without noise every sensible way finds the step, between two measurements."""
    late, measured = _late(answer, rng, 0.0, 60)
    mean = late.mean()
    if abs(mean) < 0.012 and np.abs(late).max() < 0.04:
        return
    word = "late" if mean > 0 else "early"
    why = ""
    if measured and 0 < mean < 0.03:
        why = " The target is passed between two measurements: where, on a line?"
    elif mean > 0.05:
        why = " Does a mean of several losses stand for the middle of their steps, or for the last?"
    raise Wrong(
        f"On curves without any noise it is {100 * abs(mean):.1f} % too {word} in the mean, and "
        f"{100 * np.abs(late).max():.1f} % off at most.{why}",
        named=bool(why),
    )


def arrives_on_noisy_curves(answer: Callable, rng: Generator) -> None:
    r"""In the mean of many runs neither early nor late, and not far off in any."""
    late, _ = _late(answer, rng, 0.03, 200)
    mean, spread = 100 * late.mean(), 100 * late.std()
    said = f"Of 200 noisy runs it is in the mean {abs(mean):.1f} % too"
    without = 100 * _late(answer, rng, 0.0, 60)[0].mean()
    if abs(mean) > 2.5 and abs(without - mean) < 0.5 * abs(mean):
        raise Wrong(
            f"{said} {'late' if mean > 0 else 'early'}, and {abs(without):.1f} % without noise, "
            "which is not the cause, then. Is the curve what you take it for?",
            named=False,
        )
    if mean < -2.5:
        raise Wrong(f"{said} early: one lucky measurement below the target does not count.")
    if mean > 2.5:
        raise Wrong(f"{said} late: one unlucky measurement above the target does not count either.")
    if spread > 6:
        raise Wrong(
            f"In the mean of 200 noisy runs it is right, but single ones scatter by {spread:.0f} % "
            "around the truth; smoothing takes that below 6 %."
        )


def arrives_never(answer: Callable, rng: Generator) -> None:
    r"""A run that stays above, and one that diverges."""
    steps, losses, _ = noisy_run(rng, 0.005, 0.5)
    for name, run in (
        ("stays above the target", losses + 1),
        ("diverges to nan", np.where(steps > steps[9], np.nan, losses + 1)),
        ("diverges to inf", np.where(steps > steps[9], np.inf, losses + 1)),
    ):
        found = _number(answer(steps, run, 0.5))
        if found != math.inf:
            raise Wrong(f"A run that {name} gets {found:g}; it never arrives, which is inf.")


# ---- 17.2, two numbers from a table


def fit_batches(sizes: NDArray, steps: NDArray) -> tuple[float, float]:
    r"""Return (S_min, B_c) with the least squares of relative errors."""
    sizes, steps = np.asarray(sizes, float), np.asarray(steps, float)
    columns = np.stack([1 / steps, 1 / (sizes * steps)], axis=1)
    least, product = np.linalg.lstsq(columns, np.ones(len(steps)), rcond=None)[0]
    return float(least), float(product / least)


def _steps(sizes: NDArray, least: float, critical: float) -> NDArray:
    return least * (1 + critical / sizes)


def _fitted(got: object) -> tuple[float, float]:
    return _pair(got, ("S_min", "B_c"))


def fits_exactly(answer: Callable, rng: Generator) -> None:
    r"""Steps without any error give the two numbers back."""
    for _ in range(6):
        least, critical = np.exp(rng.uniform([3.5, 3], [6, 6]))
        sizes = 2 ** np.sort(rng.choice(np.arange(2, 11), size=6, replace=False))
        mistakes = {
            "The two are swapped: S_min comes first.": (critical, least),
            "The second one is S_min times B_c, the factor of 1/B: divide by S_min.": (
                (least, least * critical)
            ),
            "The second one is its reciprocal.": (least, 1 / critical),
        }
        got = answer(sizes.copy(), _steps(sizes, least, critical))
        compare(_fitted(got), (least, critical), mistakes=mistakes, tolerance=2e-3)


def fits_noisy_steps(answer: Callable, rng: Generator) -> None:
    r"""Of 300 noisy tables, nearly as near as a fit can be."""
    sizes, found, ours = 2 ** np.arange(3, 10), [], []
    for _ in range(300):
        least, critical = np.exp(rng.uniform([3.5, 3.5], [6, 5.5]))
        steps = _steps(sizes, least, critical) * np.exp(0.08 * rng.normal(size=len(sizes)))
        got = _fitted(answer(sizes.copy(), steps.copy()))
        for record, pair in ((found, got), (ours, fit_batches(sizes, steps))):
            record.append((pair[0] / least - 1, pair[1] / critical - 1))
    sizes = sizes.astype(float)
    exact = _steps(sizes, 100.0, 60.0)
    if not np.allclose(_fitted(answer(sizes.copy(), exact.copy())), (100, 60), rtol=0.01):
        raise Wrong("Steps without error do not give the two numbers back.", named=False)
    base, unused = np.array(_fitted(answer(sizes.copy(), exact.copy()))), 0
    for k in range(len(sizes)):
        other = exact * np.where(np.arange(len(sizes)) == k, 1.03, 1)
        unused += np.allclose(_fitted(answer(sizes.copy(), other)), base, rtol=1e-9)
    own, least = (100 * np.median(np.abs(each), axis=0) for each in (found, ours))
    for name, mine, best in zip(("S_min", "B_c"), own, least, strict=True):
        if not mine <= 1.2 * best:
            said = f"On noisy tables {name} is {mine:.1f} % off, in the median of 300, where "
            said += f"{best:.1f} % is possible."
            if unused:
                raise Wrong(
                    f"{said} It does not look at {unused} of the {len(sizes)} sizes: the others "
                    "carry all the noise."
                )
            raise Wrong(
                f"{said} Each measured number is off by some *percent*: a percent should weigh the "
                "same at every size. Which sizes does your fit trust most?"
            )


# ---- 17.3, the cheapest batch


def cheapest(
    least: float, critical: float, step_price: float, example_price: float, most: float
) -> tuple[float, float]:
    r"""Return (batch size, price) of the cheapest run with batches of 1 to most."""
    size = min(max(math.sqrt(critical * step_price / example_price), 1), most)
    return size, least * (1 + critical / size) * (step_price + example_price * size)


def _compare_cheapest(
    answer: Callable, least: float, critical: float, step: float, example: float, most: float
) -> None:
    def price(size: float) -> float:
        return least * (1 + critical / size) * (step + example * size)

    size, lowest = cheapest(least, critical, step, example, most)
    free = math.sqrt(critical * step / example)
    other = {
        "The batch size is that of B_c: prices move it.": critical,
        "The root is missing: the price is lowest at the *root* of a product.": free**2,
        "The two prices are swapped: dearer steps ask for larger batches.": math.sqrt(
            critical * example / step
        ),
        "B_c is missing under the root.": math.sqrt(step / example),
        "It divides by B_c under the root: derive the price by B once more.": math.sqrt(
            step / example / critical
        ),
    }
    if free > most:
        other["It is larger than `most`, what fits into the memory."] = free
    if free < 1:
        other["It is smaller than 1, and a batch holds at least one example."] = free
    mistakes = {sentence: (value, price(value)) for sentence, value in other.items()}
    mistakes |= {
        "The batch size is right; the price leaves the examples out.": (
            (size, least * (1 + critical / size) * step)
        ),
        "The batch size is right; the price leaves the steps' own price out.": (
            (size, least * (1 + critical / size) * size * example)
        ),
        "The batch size is right; the price is that of one step, not of the run.": (
            (size, step + example * size)
        ),
        "The two are swapped: the batch size comes first.": (lowest, size),
    }
    found = _pair(answer(least, critical, step, example, most), ("batch size", "price"))
    if math.isclose(found[0], size, rel_tol=0.01) and math.isclose(found[1], lowest, rel_tol=1e-3):
        return
    for sentence, wrong in mistakes.items():
        if np.allclose(found, wrong, rtol=1e-3, atol=0):
            raise Wrong(sentence)
    if found[0] != size and found[0] in (math.floor(size), math.ceil(size)):
        raise Wrong("The batch size was rounded: it need not be whole.")
    where = f"S_min {least:.0f}, B_c {critical:.0f}, prices {step:g} and {example:g}"
    cost = f"{price(found[0]):.5g}" if found[0] > 0 else "nothing that makes sense"
    raise Wrong(
        f"For {where}, at most {most:g} examples a batch: a batch of {found[0]:.4g} costs {cost}, "
        f"you say {found[1]:.5g}, and another batch costs {lowest:.5g}.",
        named=False,
    )


def cheapest_by_numbers(answer: Callable, rng: Generator) -> None:
    r"""100 (1 + 50 / 100) (200 + 100) = 45,000."""
    _compare_cheapest(answer, 100.0, 50.0, 200.0, 1.0, 1e6)


def cheapest_at_any_price(answer: Callable, rng: Generator) -> None:
    r"""Dear steps, dear examples, and prices in any unit."""
    for _ in range(6):
        least, critical, step, example = np.exp(rng.uniform([3, 3, 2, -4], [6, 6, 6, 0])).tolist()
        _compare_cheapest(answer, least, critical, step, example, 1e6)
    _compare_cheapest(answer, 60.0, 4.0, 1.5, 1.0, 64.0)


def cheapest_that_fits(answer: Callable, rng: Generator) -> None:
    r"""A small memory, and steps that cost nearly nothing."""
    _compare_cheapest(answer, 120.0, 90.0, 400.0, 1.0, 64.0)
    _compare_cheapest(answer, 120.0, 90.0, 0.001, 1.0, 64.0)


# ---- 17.4, a sweep with bugs


def fair_sweep(run: Callable, sizes: Sequence, rates: Sequence, seeds: Sequence) -> NDArray:
    r"""Return mean steps of each size at its own best rate, nan where the grid cannot judge."""
    found = []
    for size in sizes:
        means = [np.mean([run(size, rate, seed) for seed in seeds]) for rate in rates]
        k = int(np.argmin(means))
        inside = 0 < k < len(rates) - 1 and np.isfinite(means[k])
        found.append(means[k] if inside else np.nan)
    return np.array(found)


def made_up_run(size: int, rate: float, seed: int) -> float:
    r"""Return the steps to the target of a made-up training, inf if it does not get there.

    Args:
        size: of the batch.
        rate: learning rate; the best one grows with the batch and ends at 0.4.
        seed: of the run; it moves the steps by some percent.
    """
    best = 0.4 / (1 + 64 / size)
    off = abs(math.log2(rate / best))
    chance = np.random.default_rng([size, seed, round(1e6 * rate)]).normal()
    if rate > 0.8 or (off > 1.2 and chance > 0.5):
        return math.inf
    return 100 * (1 + 64 / size) * (1 + 0.3 * off**2) * math.exp(0.08 * chance)


def suspect_sweep(run: Callable, sizes: Sequence, rates: Sequence, seeds: Sequence) -> NDArray:
    r"""Return what the chapter's sweep with bugs makes of the same runs."""
    table = np.array([[[run(s, r, seed) for seed in seeds] for r in rates] for s in sizes])
    chosen = _mean_of_finite(table)[0].argmin()
    return table[:, chosen].min(axis=1)


def _mean_of_finite(table: NDArray) -> NDArray:
    finite = np.isfinite(table)
    total = np.where(finite, table, 0).sum(axis=-1)
    return np.where(finite.any(axis=-1), total / np.maximum(finite.sum(axis=-1), 1), np.inf)


def _inside(score: NDArray, values: NDArray) -> NDArray:
    # The values at the best score of each row, nan where that is at an end or never arrives.
    k = score.argmin(axis=1)
    found = values[np.arange(len(values)), k]
    return np.where((k > 0) & (k < values.shape[1] - 1) & np.isfinite(found), found, np.nan)


def _compare_sweep(answer: Callable, table: NDArray, what: str) -> None:
    sizes, rates = [8, 64, 512][: len(table)], [0.05, 0.1, 0.2, 0.4, 0.8][: table.shape[1]]
    seeds = list(range(table.shape[2]))

    def run(size: int, rate: float, seed: int) -> float:
        return float(table[sizes.index(size), rates.index(rate), seed])

    right = fair_sweep(run, sizes, rates, seeds)
    mean, some = table.mean(axis=2), _mean_of_finite(table)
    first = np.tile(mean[0], (len(table), 1))
    own = table.min(axis=1)
    mistakes = {
        "That is what the suspect returns.": suspect_sweep(run, sizes, rates, seeds),
        "It takes the rate that is best for the first size for all of them.": _inside(first, mean),
        "One seed counts, the luckiest: take the mean over seeds.": _inside(
            mean, table.min(axis=2)
        ),
        "It chooses the rate by its luckiest run: take the mean over seeds there, too.": _inside(
            table.min(axis=2), mean
        ),
        "Runs that never arrive are left out of the mean, so a rate that mostly fails looks "
        "good.": _inside(some, some),
        "inf stands where no rate of the grid always arrives; that size cannot be judged either, "
        "which is nan.": np.where(np.isinf(mean.min(axis=1)), np.inf, right),
        "A best rate at an end of the grid is taken: a better one may be beyond it, so this grid "
        "cannot judge that size.": mean.min(axis=1),
        "Each seed has a rate of its own, which is luck: choose one rate for all seeds of a "
        "size.": own.mean(axis=1),
        "It takes the median over seeds, which forgets runs that never arrive.": _inside(
            np.median(table, axis=2), np.median(table, axis=2)
        ),
        "It is the number of the best rate; the steps are asked for.": mean.argmin(axis=1),
    }
    compare(answer(run, list(sizes), list(rates), list(seeds)), right, mistakes=mistakes, what=what)


def _valleys(rng: Generator, best: Sequence[int], rates: int = 5, seeds: int = 4) -> NDArray:
    # Steps of a row for each size, lowest at the rate with that number.
    off = np.abs(np.arange(rates) - np.array(best)[:, None])
    level = rng.uniform(100, 1000, size=(len(best), 1, 1))
    noise = np.exp(0.02 * rng.normal(size=(len(best), rates, seeds)))
    return level * (1 + 0.3 * off[:, :, None]) * noise


def sweeps_a_valley_for_each(answer: Callable, rng: Generator) -> None:
    r"""Three sizes, each with another best rate, all inside the grid."""
    _compare_sweep(answer, _valleys(rng, (1, 2, 3)), "three valleys")


def sweeps_with_failures(answer: Callable, rng: Generator) -> None:
    r"""A rate at which some runs are quick, and one never arrives."""
    table = _valleys(rng, (2, 2, 2))
    table[1, 3] = table[1, 2] * 0.7
    table[1, 3, 2] = np.inf
    table[2, 1, :3], table[2, 1, 3] = 0.5 * table[2, 2, :3], np.inf
    table[0, 4] = np.inf
    _compare_sweep(answer, table, "runs of which some never arrive")


def sweeps_to_an_end(answer: Callable, rng: Generator) -> None:
    r"""The best rate first, last, or nowhere."""
    table = _valleys(rng, (0, 4, 2))
    _compare_sweep(answer, table, "a grid that ends too soon")
    table = _valleys(rng, (2, 1, 3))
    table[1] = np.inf
    _compare_sweep(answer, table, "a size at which no run arrives")
    table = _valleys(rng, (2, 1, 3))
    table[:, :, 1] = np.inf
    table[0, 2, 1] = 400.0
    _compare_sweep(answer, table, "sizes at which one seed never arrives")


# ---- 17.5, four times the machines

NOISE = 0.08  # of one measurement, as a share


def forecast(measure: Callable, budget: float, most: int, wanted: int) -> tuple[float, float]:
    r"""Return (steps, examples) to expect with batches of `wanted`, from runs of at most `most`."""
    sizes, found, spent, dearest = (most, most // 16), {}, 0.0, 0.0
    while len(found) < 2 or spent + 1.3 * dearest <= budget:
        size = sizes[len(found)] if len(found) < 2 else min(sizes, key=lambda s: len(found[s]))
        steps = measure(size)
        found.setdefault(size, []).append(steps)
        spent, dearest = spent + size * steps, max(dearest, size * steps)
    tried = np.array(list(found))
    least, critical = fit_batches(tried, np.array([np.mean(found[size]) for size in tried]))
    steps = least * (1 + critical / wanted)
    return steps, steps * wanted


def forecasts_from_small_batches(answer: Callable, rng: Generator) -> None:
    r"""Forty workloads, each with a budget of sixteen runs with the largest batch."""
    errors, most, wanted = [], 128, 512
    linear = []
    for _ in range(40):
        least, critical = np.exp(rng.uniform([3.5, 3], [6, 5.3])).tolist()
        budget, spent = 16 * least * (most + critical), 0.0

        def measure(size: int, least: float = least, critical: float = critical) -> float:
            nonlocal spent
            if not 1 <= size <= most or size != int(size):
                raise Wrong(f"It trains with batches of {size}: whole numbers up to {most} fit.")
            steps = least * (1 + critical / size) * math.exp(NOISE * rng.normal())
            spent += steps * size
            return steps

        got = answer(measure, budget, most, wanted)
        steps, examples = _pair(got, ("number of steps", "number of examples"))
        if spent > budget * 1.0001:
            raise Wrong(
                f"Its trials look at {spent / budget:.2f} times as many examples as the budget has."
            )
        if spent == 0:
            raise Wrong("It never calls `measure`: what does it know of the workload?")
        if math.isclose(steps, examples * wanted, rel_tol=1e-3):
            raise Wrong("The two are swapped: the number of steps comes first.")
        if not math.isclose(examples, steps * wanted, rel_tol=1e-3):
            raise Wrong(
                f"{steps:.4g} steps with {wanted} examples each are {steps * wanted:.6g} examples, "
                f"not {examples:.6g}."
            )
        true = least * (1 + critical / wanted)
        if not steps > 0 or not math.isfinite(steps):
            raise Wrong(f"It expects {steps:g} steps.")
        errors.append(math.log(steps / true))
        linear.append(math.log(steps / (least * (1 + critical / most))))
    mean, size = np.mean(errors), math.sqrt(np.mean(np.square(errors)))
    said = f"Of 40 workloads, the forecast is {100 * size:.0f} % off (the root of the mean square)"
    if size <= 0.07:
        return
    if np.mean(np.abs(np.array(linear) + math.log(4)) < 0.25) > 0.9:
        raise Wrong(f"{said}: it takes a quarter of the steps for granted, which ends with B_c.")
    if np.mean(np.abs(linear) < 0.25) > 0.9:
        raise Wrong(f"{said}: it expects as many steps as with the largest batch tried.")
    if abs(mean) > 0.05:
        raise Wrong(f"{said}, and in the mean too {'many' if mean > 0 else 'few'} steps.")
    raise Wrong(
        f"{said}; 7 % is asked for. Which sizes tell S_min, which tell B_c, and is the budget used?"
    )


EXERCISES = [
    Exercise(
        id="17.1",
        title="When has a run arrived?",
        answers=("steps_to_target",),
        checks=[
            Check("smooth curves", arrives_on_a_smooth_curve),
            Check("200 noisy curves", arrives_on_noisy_curves),
            Check("runs that never arrive", arrives_never),
        ],
        hints=[
            "Draw one noisy run beside its target. Which of the points would you believe?",
            "Several neighbours together are less noisy than one. But at which step does their "
            "mean stand?",
            "Take running means of losses and of steps alike, find the first mean at or below the "
            "target, and go back along the line to the one before. `np.convolve` with "
            '"valid" makes running means.',
        ],
        package=lambda: steps_to_target,
        adapt=lambda answer: lambda steps, losses, target: float(answer(steps, losses, target)),
    ),
    Exercise(
        id="17.2",
        title="Two numbers from seven",
        answers=("fit_batches",),
        checks=[
            Check("steps without error", fits_exactly),
            Check("300 noisy tables", fits_noisy_steps),
        ],
        hints=[
            "Multiply the formula out. In which two unknowns is it linear?",
            "Least squares trusts each number to the same amount of steps. By what must you divide "
            "each line, so that the same percentage counts the same?",
            "Divided by the measured steps each line reads: 1 = S_min times something known + the "
            "product S_min B_c times something known. `np.linalg.lstsq` solves that.",
        ],
        package=lambda: fit_batches,
        adapt=lambda answer: lambda sizes, steps: _fitted(answer(sizes, steps)),
    ),
    Exercise(
        id="17.3",
        title="The cheapest batch",
        answers=("cheapest",),
        checks=[
            Check("a round example", cheapest_by_numbers),
            Check("any prices", cheapest_at_any_price),
            Check("not larger than the memory, not smaller than 1", cheapest_that_fits),
        ],
        hints=[
            "What does one step cost with B examples? And how many steps are there?",
            "Multiply the two brackets out. Two of the four terms do not depend on B; of the "
            "others one grows with B and one falls.",
            "A sum a B + b / B is lowest where both terms are equal. To the left and to the right "
            "of that place the price only rises, which says what to do with a limit.",
        ],
        package=lambda: cheapest,
        adapt=lambda answer: lambda *given: tuple(map(float, answer(*given))),
    ),
    Exercise(
        id="17.4",
        title="Find the bugs",
        answers=("fair_sweep",),
        checks=[
            Check("a best rate for each size", sweeps_a_valley_for_each),
            Check("runs that never arrive", sweeps_with_failures),
            Check("what the grid cannot judge", sweeps_to_an_end),
        ],
        hints=[
            "Print the whole table of runs for one size, a row a rate. What would you report, and "
            "what does the suspect report?",
            "Ask of each line: whose rate is it, whose luck is it, and what happens to inf?",
            "If the lowest mean stands in the first or last row, what would the next rate have "
            "given? Nobody knows, and that is an answer too.",
        ],
    ),
    Exercise(
        id="17.5",
        title="Four times the machines",
        answers=("forecast",),
        checks=[Check("forty workloads", forecasts_from_small_batches)],
        hints=[
            "Which two numbers do you need, and from which batch sizes can each be read off best?",
            "The wanted batch is beyond all that you may try, so an error of S_min counts most. A "
            "run of the largest batch tells most about it, but not without B_c.",
            "Measure the largest size and some smaller ones in turn, keep account of the examples, "
            "stop before the budget ends, and fit the means as in 17.2.",
        ],
        package=lambda: forecast,
        adapt=lambda answer: lambda *given: tuple(map(float, answer(*given))),
    ),
]
