"""The history of generated images that a discriminator is shown (Shrivastava et al. 2017, section 2.3)."""

import torch
from torch import Tensor, nn

from translate.parallel import gather, local_part


class Pool(nn.Module):
    """Keeps up to `size` images. Its whole state is in buffers, so a checkpoint of the method holds it.

    Where several ranks hold a batch, each has the pool of the whole batch, and they are equal.

    Args:
        size: how many images are kept; 0 switches the pool off.
        shape: of one image, (C, H, W).
    """

    images: Tensor  # (size, C, H, W)
    count: Tensor  # (), how many images are held

    def __init__(self, size: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("images", torch.zeros(size, *shape))
        self.register_buffer("count", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def query(self, batch: Tensor) -> Tensor:
        """Return one image for each of `batch`, in order, and remember some of them.

        While the pool is not full an image is stored and returned. Afterwards, with probability 1/2, it takes the place
        of a uniformly drawn stored image, which is returned instead; otherwise it is returned and not stored. An image
        that is not finite is returned and never stored. Draws come from torch's global CPU generator.

        Args:
            batch: (N, C, H, W).

        Returns:
            (N, C, H, W) in the dtype of the pool, without gradient, sharing no memory with it.
        """
        if self.size == 0:
            return batch.detach().to(self.images.dtype)
        return local_part(torch.cat([self._query(image) for image in torch.split(gather(batch.detach()), 1)]))

    def _query(self, image: Tensor) -> Tensor:
        p, index = torch.rand(()), torch.randint(self.size, ())
        # Tensor arithmetic instead of branches: nothing here waits for a GPU.
        full = self.count >= self.size
        slot = torch.where(full, index.to(image.device), self.count).view(1)
        swap = full & bool(p > 0.5)
        stored = self.images.index_select(0, slot)  # (1, C, H, W)
        keep = (swap | ~full) & image.isfinite().all()
        self.images.index_copy_(0, slot, torch.where(keep, image.to(stored.dtype), stored))
        self.count += keep & ~full
        return torch.where(keep & full, stored, image.to(stored.dtype))
