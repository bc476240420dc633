import pytest
import torch
import torch.nn.functional as F

from autosnn_nni.kernels.images import convolve_images
from tests.autosnn_nni.kernels.builds import threads

SHAPES = [(1, 1, 1), (2, 1, 1), (1, 0, 1), (1, 1, 3)]  # stride, padding, groups


def random(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


@pytest.mark.parametrize(("stride", "padding", "groups"), SHAPES)
def test_it_is_torchs(stride: int, padding: int, groups: int) -> None:
    images, weight = random(4, 3, 8, 7), random(6, 3 // groups, 3, 3).requires_grad_()
    currents = convolve_images(images, weight, stride, padding, groups)
    expected = F.conv2d(images, weight, stride=stride, padding=padding, groups=groups)
    assert torch.equal(currents, expected)
    gradient = random(*currents.shape)
    (own,) = torch.autograd.grad(currents, weight, gradient)
    torch.testing.assert_close(own, *torch.autograd.grad(expected, weight, gradient))


def test_the_gradient_does_not_depend_on_the_number_of_threads() -> None:
    gradients = []
    for count in (1, 2, 3):
        weight = random(16, 3, 3, 3, dtype=torch.float32).requires_grad_()
        with threads(count):
            currents = convolve_images(random(32, 3, 16, 16, dtype=torch.float32), weight, 1, 1, 1)
            gradients += torch.autograd.grad(currents.square().sum(), weight)
            assert torch.get_num_threads() == count
    assert torch.equal(gradients[0], gradients[1])
    assert torch.equal(gradients[0], gradients[2])
