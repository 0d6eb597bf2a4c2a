r"""Wrong answers to the exercises of chapter 06, each with a part of the sentence expected.

RIGHT holds right ones in other styles than the worked solution's.
"""

import numpy as np


def split(noise, signal=lambda first, noise, size: first - noise / size, give=lambda s, n: (s, n)):
    r"""An answer from the two lengths and sizes, with another noise, signal or order."""

    def signal_and_noise(squared_lengths, sizes):
        found = noise(*squared_lengths, *sizes)
        return give(signal(squared_lengths[0], found, sizes[0]), found)

    return signal_and_noise


def right_noise(first, second, one, other):
    return (first - second) / (1 / one - 1 / other)


def large_is_exact(lengths, sizes):
    (first, second), (one, other) = lengths, sizes
    (short, small, long) = (first, other, second) if one > other else (second, one, first)
    return short, (long - short) * small


def sorted_sizes(lengths, sizes):
    noise = (lengths[0] - lengths[1]) / (1 / min(sizes) - 1 / max(sizes))
    return lengths[0] - noise / sizes[0], noise


def squared_again(lengths, sizes):
    return split(right_noise)([length**2 for length in lengths], sizes)


def scaled(
    factor=lambda batch, base: batch / base,
    line=lambda start, target, step, warm: start + (target - start) * step / warm,
    forever=False,
):
    r"""A scaled rate with another factor or another warm-up."""

    def scaled_rate(step, batch_size, base_rate, base_batch, warm):
        target = base_rate * factor(batch_size, base_batch)
        if step < warm or (forever and warm):
            return line(base_rate, target, step, warm)
        return target

    return scaled_rate


def never_down(step, batch_size, base_rate, base_batch, warm):
    return scaled(lambda batch, base: max(1, batch / base))(
        step, batch_size, base_rate, base_batch, warm
    )


def a_step_early(step, batch_size, base_rate, base_batch, warm):
    target = base_rate * batch_size / base_batch
    return np.linspace(base_rate, target, warm)[step] if step < warm else target


def reached_late(step, batch_size, base_rate, base_batch, warm):
    target = base_rate * batch_size / base_batch
    return target if step > warm else base_rate + (target - base_rate) * step / (warm + 1)


def back_at_base(step, batch_size, base_rate, base_batch, warm):
    target = base_rate * batch_size / base_batch
    return base_rate if step >= warm else base_rate + (target - base_rate) * step / warm


def ten_steps(step, batch_size, base_rate, base_batch, warm):
    return scaled()(step, batch_size, base_rate, base_batch, 10 if warm else 0)


def base_without_warm_up(step, *given):
    return scaled()(step, *given) if given[-1] else given[1]


def chosen(
    fits=lambda examples, budget: examples <= budget,
    least=lambda updates, size: updates,
    sizes=lambda sizes: sizes,
    rates=lambda rates: rates,
    give=lambda size, rate, sizes, rates: (size, rate),
):
    r"""The best pair by another condition, order or choice."""

    def fewest_updates(updates_to_goal, budget, all_sizes, all_rates):
        runs = []
        for size in sizes(all_sizes):
            for rate in rates(all_rates):
                updates = updates_to_goal(size, rate)
                if fits(updates * size, budget):
                    runs.append((least(updates, size), size, rate))
        return give(*min(runs)[1:], all_sizes, all_rates)

    return fewest_updates


def largest_batch(updates_to_goal, budget, sizes, rates):
    fitting = {size: min((updates_to_goal(size, rate), rate) for rate in rates) for size in sizes}
    size = max(size for size in sizes if fitting[size][0] * size <= budget)
    return size, fitting[size][1]


def one_rate_for_all(updates_to_goal, budget, sizes, rates):
    rate = min(rates, key=lambda each: updates_to_goal(sizes[0], each))
    return chosen(rates=lambda rates: [rate])(updates_to_goal, budget, sizes, rates)


def largest_rate(updates_to_goal, budget, sizes, rates):
    pairs = [(size, rate) for size in sizes for rate in rates]
    fitting = [pair for pair in pairs if updates_to_goal(*pair) * pair[0] <= budget]
    return max(fitting, key=lambda pair: pair[1])


def pieces(
    stop=lambda n, size: n,
    weigh=lambda rows, size: rows,
    total=lambda n, size: n,
    width=1,
    more=0,
):
    r"""Means of pieces, each weighed, divided by a total."""

    def gradient_in_pieces(x, error, size, piece_gradient):
        result = 0
        for first in range(0, stop(len(x), size) + more, width * size):
            piece = slice(first, first + width * size)
            result = result + weigh(len(x[piece]), size) * piece_gradient(x[piece], error[piece])
        return result / total(len(x), size)

    return gradient_in_pieces


def up(n, size):
    return -(-n // size)


def full(n, size):
    return n // size * size


def all_at_once(x, error, size, piece_gradient):
    return piece_gradient(x, error)


def without_pieces(x, error, size, piece_gradient):
    return x.T @ error / len(x)


def pieces_by_hand(x, error, size, piece_gradient):
    parts = [slice(first, first + size) for first in range(0, len(x), size)]
    return sum(x[part].T @ error[part] for part in parts) / len(x)


def pieces_in_place(x, error, size, piece_gradient):
    x *= error[:, None]
    error[...] = 1
    return pieces()(x, error, size, piece_gradient)


WRONG = {
    "06.1": [
        (split(right_noise, give=lambda s, n: (n, s)), "swapped"),
        (large_is_exact, "as if the large batch had no noise"),
        (sorted_sizes, "in any order"),
        (split(right_noise, lambda first, noise, size: first - noise), "is taken out"),
        (split(right_noise, lambda first, noise, size: first + noise / size), "wrong sign"),
        (split(lambda a, b, n, m: (a - b) / (m - n)), "difference of the sizes"),
        (split(lambda a, b, n, m: a - b), "not yet divided"),
        (
            split(
                lambda a, b, n, m: (a - b) / (n - m),
                lambda first, noise, size: first - noise * size,
            ),
            "multiplied by the size",
        ),
        (split(lambda a, b, n, m: (a - b) * (1 / n - 1 / m)), "multiplies"),
        (lambda a, n: (right_noise(*a, *n), right_noise(*a, *n)), "It returned"),
        (
            lambda lengths, sizes: (
                split(right_noise)(lengths, sizes)[0],
                right_noise(*lengths, *sizes) / sizes[0],
            ),
            "of single examples",
        ),
        (squared_again, "squared already"),
        (split(right_noise, give=lambda s, n: (s**0.5, n)), "is a root"),
        (split(right_noise, give=lambda s, n: n / s), "(signal, noise), not one"),
        (lambda *given: print(end=""), "returned None"),
        (split(right_noise, give=lambda s, n: (s, -n)), "The noise has the wrong sign"),
        (split(right_noise, give=lambda s, n: (s**0.5, n**0.5)), "Both are roots"),
        (lambda a, n: (sum(a) / 2, right_noise(*a, *n)), "mean of both squared lengths"),
        (lambda a, n: (a[1] - right_noise(*a, *n) / n[0], right_noise(*a, *n)), "other's size"),
        (
            lambda a, n: (
                split(right_noise)(a, n)[0],
                (a[0] - a[1]) * (n[0] - n[1]),
            ),
            "multiplied by the difference of the sizes",
        ),
    ],
    "06.2": [
        (scaled(lambda batch, base: (batch / base) ** 0.5), "root of the batch size"),
        (scaled(lambda batch, base: base / batch), "wrong way round"),
        (scaled(lambda batch, base: batch), "forgets base_batch"),
        (scaled(lambda batch, base: 1), "not used after all"),
        (never_down, "let the rate fall"),
        (a_step_early, "at step warm - 1"),
        (scaled(line=lambda start, target, step, warm: target), "no warm-up"),
        (scaled(line=lambda start, target, step, warm: target * step / warm), "starts at 0"),
        (scaled(line=lambda start, target, step, warm: start), "stays at base_rate"),
        (scaled(forever=True), "keeps rising"),
        (scaled(lambda batch, base: batch // base), "divide with `/`"),
        (reached_late, "at step warm + 1"),
        (back_at_base, "back at base_rate"),
        (base_without_warm_up, "With `warm=0`"),
        (
            scaled(
                line=lambda start, target, step, warm: start * (target / start) ** (step / warm)
            ),
            "by the same factor",
        ),
        (
            scaled(line=lambda start, target, step, warm: start + target * step / warm),
            "added in full",
        ),
        (
            scaled(
                line=lambda start, target, step, warm: start + (target - start) * (step + 1) / warm
            ),
            "one step ahead",
        ),
        (lambda *given: print(end=""), "returned None"),
        (
            scaled(line=lambda start, target, step, warm: target + (start - target) * step / warm),
            "the wrong way",
        ),
        (
            scaled(line=lambda start, target, step, warm: target * (step + 1) / warm),
            "starts at 0 and one step ahead",
        ),
        (ten_steps, "takes the 10 steps of the picture"),
    ],
    "06.3": [
        (chosen(fits=lambda examples, budget: True), "fewest updates of all, whatever they cost"),
        (chosen(fits=lambda examples, budget: examples < budget), "exactly as many"),
        (chosen(least=lambda updates, size: updates * size), "fewest *examples*"),
        (largest_batch, "The largest batch that fits"),
        (one_rate_for_all, "another pair"),
        (largest_rate, "another pair within the budget takes 30."),
        (chosen(sizes=lambda sizes: sizes[:1]), "Yours"),
        (
            chosen(give=lambda size, rate, sizes, rates: (sizes.index(size), rates.index(rate))),
            "an index",
        ),
        (chosen(give=lambda size, rate, sizes, rates: (rate, size)), "an index"),
        (chosen(give=lambda size, rate, sizes, rates: size), "not one int"),
        (lambda updates_to_goal, budget, sizes, rates: (sizes[0], rates[-1]), "never reaches"),
        (lambda *given: print(end=""), "returned None"),
        (chosen(least=lambda updates, size: -updates), "the most updates"),
    ],
    "06.4": [
        (pieces(full, lambda rows, size: 1, lambda n, size: n // size), "left out"),
        (pieces(full), "left out, and it divides by n"),
        (pieces(weigh=lambda rows, size: 1, total=up), "mean of means"),
        (pieces(weigh=lambda rows, size: 1, total=lambda n, size: max(n // size, 1)), "added up"),
        (pieces(weigh=lambda rows, size: size), "also that of the last"),
        (pieces(total=lambda n, size: max(n // size, 1) * size), "rounded down to full"),
        (pieces(total=lambda n, size: 1), "sum over the examples"),
        (pieces(weigh=lambda rows, size: 1, total=lambda n, size: 1), "still have to be averaged"),
        (pieces(weigh=lambda rows, size: 1), "Means are divided by n"),
        (pieces(total=lambda n, size: -n), "negative"),
        (pieces(width=2), "at once, where size is"),
        (pieces(more=3), "an empty piece"),
        (all_at_once, "3 examples at once"),
        (without_pieces, "never calls"),
        (pieces_by_hand, "never calls"),
        (pieces_in_place, "changes its input `x`"),
    ],
}


def solved(squared_lengths, sizes):
    matrix = [[1, 1 / size] for size in sizes]
    return np.linalg.solve(matrix, squared_lengths)


def interpolated(step, batch_size, base_rate, base_batch, warm):
    target = base_rate * batch_size / base_batch
    return np.interp(step, [0, warm], [base_rate, target]) if warm else target


def sorted_runs(updates_to_goal, budget, sizes, rates):
    runs = [(updates_to_goal(size, rate), size, rate) for rate in rates for size in sizes]
    return list(next(run[1:] for run in sorted(runs) if run[0] * run[1] <= budget))


def tables(updates_to_goal, budget, sizes, rates):
    found = np.array([[updates_to_goal(size, rate) for rate in rates] for size in sizes])
    found[found * np.array(sizes)[:, None] > budget] = np.inf
    row, column = np.unravel_index(found.argmin(), found.shape)
    return sizes[row], np.float32(rates[column])


def averaged(x, error, size, piece_gradient):
    firsts = range(0, len(x), size)
    means = [piece_gradient(x[k : k + size], error[k : k + size]) for k in firsts]
    return list(np.average(means, axis=0, weights=[len(x[k : k + size]) for k in firsts]))


def popped(x, error, size, piece_gradient):
    x, error, total, n = list(x), list(error), 0, len(x)
    while x:
        piece = np.array([x.pop() for _ in range(min(size, len(x)))])
        errors = np.array([error.pop() for _ in range(len(piece))])
        total = total + piece_gradient(piece, errors) * len(piece) / n
    return total


RIGHT = {
    "06.1": [solved],
    "06.2": [interpolated],
    "06.3": [sorted_runs, tables, lambda *given: np.array(sorted_runs(*given))],
}
RIGHT |= {"06.4": [averaged, popped]}
