r"""Which data sets there are: their classes, sources and licences, files, checksums and mirrors."""

from dataclasses import dataclass
from typing import NamedTuple

PARTS = ("train_x", "train_y", "test_x", "test_y")
CIFAR_FOLDER = "cifar-10-batches-bin"  # inside the archive
CIFAR_FILES = (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin")


class File(NamedTuple):
    r"""One file of a data set, as published."""

    name: str
    shape: tuple[int, ...]  # of its array; of the images if it holds labels too
    sha256: str | None  # None if no checksum is published: then only the structure is checked
    unpacked: tuple[str, ...] = ()  # SHA-256 of what is inside, to know it however it was packed


@dataclass(frozen=True, kw_only=True)
class Bundled:
    r"""A data set that comes with the package."""

    classes: tuple[str, ...]
    source: str
    licence: str
    image_shape: tuple[int, ...] = (28, 28)
    white: int = 255  # the value of the brightest pixels


@dataclass(frozen=True, kw_only=True)
class Published(Bundled):
    r"""A data set that is read from a folder or downloaded."""

    files: dict[str, File]  # the keys say which arrays are in them, such as "train_x"
    mirrors: tuple[str, ...]
    stand_in: str  # the bundled set to use instead
    folders: tuple[str, ...] = ()  # where the packages of operating systems put the files
    torchvision: str = ""  # the folder of the files in the root of a torchvision data set
    version: str = ""  # if there are several, which one these files are

    @property
    def instead(self) -> str:
        r"""What to do where the files cannot be used, as the end of a sentence."""
        return f"or use load({self.stand_in!r}), which needs no download"


def _as_mnist(*sha256: str, unpacked: tuple[str, ...] = ()) -> dict[str, File]:
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    shapes = ((60000, 28, 28), (60000,), (10000, 28, 28), (10000,))
    return {
        part: File(f"{name}-ubyte.gz", shape, sha256[i], unpacked[i : i + 1])
        for i, (part, name, shape) in enumerate(zip(PARTS, names, shapes, strict=True))
    }


FASHION_CLASSES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
FASHION_SOURCE = "Fashion-MNIST, Zalando Research, arXiv:1708.07747"
FASHION_LICENCE = "MIT, copyright 2017 Zalando SE"
BUNDLED = {
    "fashion-mini": Bundled(
        classes=FASHION_CLASSES,
        source=f"12,000 of the images of {FASHION_SOURCE}",
        licence=FASHION_LICENCE,
    ),
    "digits": Bundled(
        classes=tuple("0123456789"),
        source="Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI 1998",
        licence="CC BY 4.0",
        image_shape=(8, 8),
        white=16,
    ),
    "patches": Bundled(
        classes=(
            *("astronaut", "blossom", "cat", "coffee", "dahlia"),
            *("galaxies", "pavilion", "raccoon", "retina", "tulips"),
        ),
        source="Ten photographs, cropped and scaled: astronaut, galaxies by NASA, blossom by "
        "bliznaca, cat by Stefan van der Walt, coffee by Rachel Michetti, dahlia by vultilion, "
        "pavilion by danielbuechele, raccoon from public-domain-image.com, retina by Mikael "
        "Häggström, tulips by riaphotographs",
        licence="public domain or CC0, but dahlia and pavilion CC BY 2.0",
        image_shape=(32, 32, 3),
    ),
}
PUBLISHED = {
    "fashion-mnist": Published(
        classes=FASHION_CLASSES,
        source=FASHION_SOURCE,
        licence=FASHION_LICENCE,
        stand_in="fashion-mini",
        folders=("/usr/share/datasets/fashion-mnist",),  # Debian's dataset-fashion-mnist
        torchvision="FashionMNIST/raw",
        mirrors=(
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        files=_as_mnist(
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            unpacked=(
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
        ),
    ),
    # Checksums as recorded by torchvision and TensorFlow Datasets; unpacked, by several projects.
    "mnist": Published(
        classes=tuple("0123456789"),
        source="MNIST, Y. LeCun, C. Cortes and C. Burges, 1998",
        licence="CC BY-SA 3.0, Yann LeCun and Corinna Cortes",
        stand_in="digits",
        torchvision="MNIST/raw",
        mirrors=(
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
        ),
        files=_as_mnist(
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            unpacked=(
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        ),
    ),
    # Checksums as recorded by torchvision. Nobody publishes those of the unpacked files, which have
    # the names and sizes of MNIST's, so only packed ones are accepted.
    "kmnist": Published(
        classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        source="Kuzushiji-MNIST, ROIS-DS Center for Open Data in the Humanities, arXiv:1812.01718",
        licence="CC BY-SA 4.0",
        stand_in="fashion-mini",
        torchvision="KMNIST/raw",
        mirrors=(
            "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        ),
        files=_as_mnist(
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        ),
    ),
    # 10,000 drawings of each of ten of Google's 345 classes, in the split that its makers published
    # (80,000 and 20,000, as in the source paper), pixels unchanged. Nobody publishes a checksum.
    "quickdraw-10": Published(
        classes=(
            *("cloud", "sun", "pants", "umbrella", "table"),
            *("ladder", "eyeglasses", "clock", "scissors", "cup"),
        ),
        source="QuickDraw10, Zaid Alyafeai, from the Quick, Draw! Dataset, Google",
        licence="CC BY 4.0, Google",
        stand_in="fashion-mini",
        mirrors=(
            "https://raw.githubusercontent.com/zaidalyafeai/QuickDraw10/master/dataset/",
            "https://github.com/zaidalyafeai/QuickDraw10/raw/master/dataset/",
        ),
        files={
            "train": File("train-ubyte.npz", (80000, 28, 28), None),
            "test": File("test-ubyte.npz", (20000, 28, 28), None),
        },
    ),
    # Checksums as recorded by torchvision-ruby, of the binary version: nothing is unpickled.
    "cifar-10": Published(
        classes=(
            *("airplane", "automobile", "bird", "cat", "deer"),
            *("dog", "frog", "horse", "ship", "truck"),
        ),
        source="CIFAR-10, A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, "
        "2009",
        licence="none stated; its authors ask to cite that report",
        image_shape=(32, 32, 3),
        stand_in="patches",
        version="the binary version; the Python version is not read",
        mirrors=(
            "https://www.cs.toronto.edu/~kriz/",
            "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
        ),
        files={
            "all": File(
                "cifar-10-binary.tar.gz",
                (10000, 32, 32, 3),  # in each of CIFAR_FILES
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                (
                    "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
                    "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
                    "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
                    "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
                    "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
                    "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
                ),
            )
        },
    ),
}
