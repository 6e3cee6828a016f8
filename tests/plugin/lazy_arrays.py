"""A dask array that notes which of its chunks were computed, and which thread asked for them."""

import threading

import dask.array as da
import numpy as np


class Counted:
    """An array whose voxels are computed chunk by chunk when they are asked for.

    The fixture `count_chunks` makes it: chunks are then computed in the thread that asks for them,
    and not in dask's own.

    Parameters
    ----------
    voxels
        What it holds, ``(z, y, x)``.
    chunk
        Shape of a chunk.
    """

    def __init__(self, voxels: np.ndarray, chunk: tuple[int, int, int]) -> None:
        self.chunks: list[tuple[int, ...]] = []
        self.threads: set[threading.Thread] = set()
        self.voxels = voxels
        self.array = da.map_blocks(
            self._read, chunks=da.core.normalize_chunks(chunk, voxels.shape), dtype=voxels.dtype
        )
        self.forget()

    @property
    def in_window(self) -> bool:
        """Whether a chunk was asked for in the thread of the window."""
        return threading.main_thread() in self.threads

    def _read(self, block_info=None):
        where = block_info[None]
        self.chunks.append(tuple(where["chunk-location"]))
        self.threads.add(threading.current_thread())
        return self.voxels[tuple(slice(low, high) for low, high in where["array-location"])]

    def forget(self) -> None:
        self.chunks.clear()
        self.threads.clear()
