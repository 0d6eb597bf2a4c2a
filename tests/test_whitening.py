import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from lrcourse.data import load
from lrcourse.whitening import ZCA, PCAWhitening

BOTH = pytest.mark.parametrize("kind", [ZCA, PCAWhitening])


def images(n=400, d=30, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) * 0.3 + rng.random(d)
    return x.astype(dtype)


def test_agrees_with_scikit_learn():
    x, new = np.split(images(450), [400])
    pca = PCA(whiten=True, svd_solver="full").fit(x)
    theirs = pca.transform(new)
    np.testing.assert_allclose(PCAWhitening(0).fit(x).transform(new), theirs, rtol=0, atol=1e-10)
    rotated = theirs @ pca.components_
    np.testing.assert_allclose(ZCA(0).fit(x).transform(new), rotated, rtol=0, atol=1e-10)


def test_agrees_with_scikit_learn_on_real_images_in_every_direction_they_vary():
    x = load("digits").train.x.astype(np.float64)
    pca = PCA(whiten=True, svd_solver="full").fit(x)
    epsilon = 1e-2
    scale = np.sqrt(pca.explained_variance_ / (pca.explained_variance_ + epsilon))
    rotated = (pca.transform(x) * scale) @ pca.components_
    np.testing.assert_allclose(ZCA(epsilon).fit(x).transform(x), rotated, rtol=0, atol=1e-10)


@BOTH
def test_the_covariance_becomes_the_identity(kind):
    x = images()
    whitening = kind(0).fit(x)
    z = whitening.transform(x)
    np.testing.assert_allclose(np.cov(z, rowvar=False), np.eye(30), rtol=0, atol=1e-10)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-10)
    np.testing.assert_allclose(whitening.W @ whitening.W_inverse, np.eye(30), atol=1e-10)


def test_epsilon_shrinks_each_axis_by_its_own_factor():
    x = images()
    whitening = PCAWhitening(0.1).fit(x)
    variances = whitening.transform(x).var(axis=0, ddof=1)
    eigenvalues = np.linalg.eigvalsh(np.cov(x, rowvar=False))[::-1]
    np.testing.assert_allclose(whitening.eigenvalues, eigenvalues, rtol=1e-10)
    np.testing.assert_allclose(variances, eigenvalues / (eigenvalues + 0.1), rtol=1e-10)


def test_zca_is_symmetric_and_moves_the_data_least():
    x = images()
    zca, pca = ZCA(0).fit(x), PCAWhitening(0).fit(x)
    assert np.array_equal(zca.W, zca.W.T)
    assert not np.array_equal(pca.W, pca.W.T)
    centred = x - x.mean(axis=0)
    moved = [np.square(w.transform(x) - centred).sum() for w in (zca, pca)]
    assert moved[0] < moved[1]


@BOTH
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-4), (np.float64, 1e-12)])
@pytest.mark.parametrize("epsilon", [0, 1e-2])
def test_inverse_and_dtype(kind, dtype, tolerance, epsilon):
    x = images(dtype=dtype)
    whitening = kind(epsilon).fit(x)
    z = whitening.transform(x)
    back = whitening.inverse_transform(z)
    assert z.dtype == back.dtype == whitening.W.dtype == dtype
    np.testing.assert_allclose(back, x, rtol=0, atol=tolerance)


def test_float32_images_lose_nothing_in_the_sums():
    x = images(9000, dtype=np.float32)
    exact = ZCA().fit(x.astype(np.float64)).W
    np.testing.assert_array_equal(ZCA().fit(x).W, exact.astype(np.float32))


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=6),
    st.sampled_from([0.0, 1.0, 1e4, -1e6]),
    st.integers(0, 2**32 - 1),
)
def test_any_blocks_in_any_order_give_the_same_as_one(sizes, offset, seed):
    rng = np.random.default_rng(seed)
    n = sum(sizes) + 2
    x = np.sort(rng.standard_normal((n, 4)), axis=0) + offset  # the blocks' means differ a lot
    blocks = np.split(x, np.cumsum(sizes))
    rng.shuffle(blocks)
    whitening = PCAWhitening()
    for block in blocks:
        whitening.partial_fit(block)
    U = whitening.eigenvectors
    covariance = U * whitening.eigenvalues @ U.T
    assert whitening.count == n
    np.testing.assert_allclose(whitening.mean, x.mean(axis=0), rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(covariance, np.cov(x, rowvar=False), rtol=0, atol=1e-9)


def test_fit_forgets_and_partial_fit_goes_on():
    x, more = images(), images(100, seed=1)
    whitening = ZCA().fit(more).fit(x)
    np.testing.assert_array_equal(whitening.W, ZCA().fit(x).W)
    both = whitening.partial_fit(more).transform(more)
    np.testing.assert_allclose(both, ZCA().fit(np.vstack([x, more])).transform(more), atol=1e-12)


def test_what_was_handed_out_stays_as_it_was():
    whitening = ZCA().fit(images())
    held = [whitening.mean, whitening.eigenvalues, whitening.eigenvectors, whitening.W]
    copies = [array.copy() for array in held]
    whitening.partial_fit(images(100, seed=1) + 1)
    for array, copy in zip(held, copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    assert not np.allclose(whitening.mean, copies[0])


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # Windows
    ZCA().fit(images()).save("~/white.npz")
    assert (tmp_path / "white.npz").exists()
    assert ZCA.load("~/white.npz").count == 400


@BOTH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saved_and_loaded_without_pickle(kind, dtype, tmp_path):
    x, more = images(dtype=dtype), images(100, seed=1)
    whitening, path = kind(0.05).fit(x), tmp_path / "whitening"
    whitening.save(path)
    loaded = kind.load(path)
    np.testing.assert_array_equal(loaded.transform(x), whitening.transform(x))
    assert (loaded.epsilon, loaded.count, loaded.W.dtype) == (0.05, 400, dtype)
    for each in (loaded, whitening):
        each.partial_fit(more)
    np.testing.assert_allclose(loaded.W, whitening.W, rtol=1e-5, atol=1e-10)


def test_streams_a_memory_map_in_little_memory(tmp_path):
    n, d = 40_000, 1000
    path = tmp_path / "x.npy"
    x = np.lib.format.open_memmap(path, "w+", np.float32, (n, d))
    x[:] = np.tile(np.random.default_rng(0).random((n // 10, d), dtype=np.float32), (10, 1))
    x.flush()
    code = """
        import threading, sys
        import numpy as np
        from lrcourse.whitening import ZCA

        def private():
            lines = open("/proc/self/status").read().splitlines()
            return next(int(line.split()[1]) / 1024 for line in lines if "RssAnon" in line)

        def watch():
            while not done.wait(0.002):
                peaks.append(private())

        x = np.load(sys.argv[1], mmap_mode="r")
        before, peaks, done = private(), [], threading.Event()
        thread = threading.Thread(target=watch)
        thread.start()
        ZCA().fit(x)
        done.set()
        thread.join()
        print(max(peaks) - before)
    """
    if not os.path.exists("/proc/self/status"):
        pytest.skip("peak memory is read from Linux's /proc")
    command = [sys.executable, "-c", textwrap.dedent(code), str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    # The data are 160 MB. eigh needs five matrices of 8 MB; the sums two, and a block of 33 MB.
    assert 30 < float(run.stdout) < 90


def saved(tmp_path, kind=ZCA):
    path = tmp_path / "saved.npz"
    kind().fit(images()).save(path)
    return path


def with_nan():
    x = images()
    x[7, 3] = np.nan
    return x


def with_constant_pixels():
    x = images()
    x[:, [2, 5]] = 0.1
    return x


def damaged(tmp_path):
    path = saved(tmp_path)
    path.write_bytes(path.read_bytes()[:1000])
    return path


def of_a_later_zip(tmp_path):
    path = saved(tmp_path)
    content = path.read_bytes()
    directory = content.index(b"PK\x01\x02")  # the version needed to unpack is 6 bytes further
    path.write_bytes(content[: directory + 6] + b"\xff" + content[directory + 7 :])
    return path


def another_archive(tmp_path):
    np.savez(tmp_path / "other.npz", a=1)
    return tmp_path / "other.npz"


def pickled(tmp_path):
    np.savez(tmp_path / "evil.npz", kind=np.array([{}], object), epsilon=0.1)
    return tmp_path / "evil.npz"


BAD = [
    (lambda _: ZCA(-1), "epsilon must be a finite number, 0 or more, not -1"),
    (lambda _: ZCA(np.nan), "epsilon must be .*, not nan"),
    (lambda _: ZCA().fit(with_nan()), "x is nan in row 7, column 3"),
    (lambda _: ZCA(0).fit(with_constant_pixels()), "cannot scale 2 of the 30 directions"),
    (lambda _: ZCA(0).fit(np.ones((9, 3))), "cannot scale 3 of the 3 directions"),
    (lambda _: ZCA(0).fit(images(30)), "cannot scale 1 of the 30 directions.*these 30 images"),
    (lambda _: ZCA().fit(images(1)), "ZCA needs at least 2 images"),
    (
        lambda _: ZCA().fit(images(1)[0]),
        r"numbers of shape \(n, features\), not float64 of shape .30,.",
    ),
    (lambda _: ZCA().fit(np.empty((0, 3))), r"not float64 of shape \(0, 3\)"),
    (lambda _: ZCA().fit([["a", "b"]]), "x must be numbers"),
    (lambda _: ZCA().transform(images()), "ZCA is not fitted yet: call fit"),
    (lambda _: PCAWhitening().inverse_transform(images()), "PCAWhitening is not fitted yet"),
    (lambda tmp: ZCA().save(tmp / "x"), "not fitted yet"),
    (lambda _: ZCA().fit(images()).transform(images(d=29)), "29 features, but 30 were fitted"),
    (lambda _: ZCA().fit(images()).partial_fit(images(d=2)), "2 features, but 30 were fitted"),
    (lambda tmp: PCAWhitening.load(saved(tmp)), "saved by ZCA, not by PCAWhitening: use ZCA.load"),
    (lambda tmp: ZCA.load(damaged(tmp)), "was not saved by ZCA, or is damaged"),
    (lambda tmp: ZCA.load(of_a_later_zip(tmp)), "was not saved by ZCA, or is damaged"),
    (lambda tmp: ZCA.load(another_archive(tmp)), "was not saved by ZCA, or is damaged"),
    (lambda tmp: ZCA.load(pickled(tmp)), "was not saved by ZCA, or is damaged"),
]


@pytest.mark.parametrize(("call", "sentence"), BAD, ids=[sentence for _, sentence in BAD])
def test_bad_input_is_refused_in_one_sentence(call, sentence, tmp_path):
    with pytest.raises(ValueError, match=sentence):
        call(tmp_path)


def test_nothing_half_learnt_remains_after_nan():
    whitening = ZCA()
    with pytest.raises(ValueError, match="x is inf in row 5000, column 0"):
        whitening.fit(np.vstack([images(5000), np.full((1, 30), np.inf)]))
    with pytest.raises(ValueError, match="not fitted yet"):
        whitening.transform(images())


def test_epsilon_makes_constant_pixels_and_few_images_harmless():
    for x in (with_constant_pixels(), images(5)):
        z = ZCA().fit(x).transform(x)
        assert np.isfinite(z).all()
        assert np.abs(z).max() < 100
