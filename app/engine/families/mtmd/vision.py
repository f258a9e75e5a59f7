"""The vision tower: prompts with pictures to chunks, pictures to embeddings, embeddings into the text model."""

import ctypes
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
from llama_cpp import mtmd_cpp
from numpy.typing import NDArray

from app.engine import native
from app.engine.families import LoadCancelled, Progress
from app.engine.families.mtmd.chunks import Bitmap, Chunk, chunk_at, inputs_of
from app.engine.families.mtmd.files import wrong_projector
from app.engine.families.mtmd.text import FLASH, Aborted, TextModel, Weights, check_status
from app.engine.families.mtmd.watch import Watch
from app.engine.quotes import Words
from app.engine.sampling import NotNumbersError
from app.errors import ModelError, PictureError, SpyglassError
from app.values import EngineOptions, Picture
from app.wording import Wording

_MISMATCH = re.compile(r"text model \(n_embd = (\d+)\) and mmproj \(n_embd = (\d+)\)")
_LARGEST = 4096
"""Side of the placeholder picture that tells how many tokens a picture can take."""


class Vision:
    """`mtmd_context *`. Raises ModelError, or LoadCancelled when `progress` says no."""

    def __init__(
        self,
        path: Path,
        weights: Weights,
        options: EngineOptions,
        *,
        gpu: bool,
        layers: int,
        threads: int,
        progress: Progress,
    ) -> None:
        self._watch = Watch(layers)
        self._width = weights.width
        params = mtmd_cpp.mtmd_context_params_default()
        params.use_gpu, params.n_threads, params.print_timings = gpu, threads, False
        params.flash_attn_type = FLASH[options.flash]
        params.cb_eval = self._watch.callback
        loading = native.LoadProgress(mtmd_cpp.mtmd_progress_callback, progress)
        params.progress_callback = loading.callback
        with native.complaints() as complaints:
            self.pointer = mtmd_cpp.mtmd_init_from_file(os.fsencode(path), weights.pointer, params)
        if loading.cancelled:
            self.close()
            raise LoadCancelled
        if not self.pointer:
            if widths := _MISMATCH.search("\n".join(complaints)):
                raise wrong_projector(path, int(widths[2]), int(widths[1]))
            raise ModelError(
                Wording("The projector {name} cannot be used with this model.", name=path.name),
                "Choose the projector that was published with the model.",
                "\n".join(complaints),
            )
        if not mtmd_cpp.mtmd_support_vision(self.pointer):
            self.close()
            raise ModelError(
                Wording("The projector {name} is not for pictures.", name=path.name),
                "Choose the model's projector for pictures.",
            )
        self.non_causal = bool(mtmd_cpp.mtmd_decode_use_non_causal(self.pointer, None))

    def close(self) -> None:
        if self.pointer:
            mtmd_cpp.mtmd_free(self.pointer)
            self.pointer = None

    def most_cells(self) -> int:
        """How many tokens the largest chunk of a picture takes."""
        picture = Bitmap(_LARGEST, _LARGEST, None, "")
        with self._chunks(
            [picture], ModelError("The model cannot tell the size of a picture.", "Use another model.")
        ) as chunks:
            return max((chunk.cells for chunk in chunks), default=0)

    @contextmanager
    def prompt(self, parts: Sequence[Sequence[Words]], pictures: Sequence[Picture]) -> Iterator[list[Chunk]]:
        """Chunks of a prompt whose pictures stand between its `parts`: `len(parts) == len(pictures) + 1`.

        The pixels are not looked at; the chunks serve to count and to place what is encoded elsewhere.
        """
        mixed: list[Words | Bitmap] = [*parts[0]]
        for picture, words in zip(pictures, parts[1:], strict=True):
            mixed += [Bitmap(picture.width, picture.height, None, picture.digest), *words]
        problem = ModelError("The model cannot read this conversation.", "Try another picture or another model.")
        with self._chunks(mixed, problem) as chunks:
            yield chunks

    @contextmanager
    def _chunks(self, parts: Sequence[Words | Bitmap], problem: SpyglassError) -> Iterator[list[Chunk]]:
        """Tokenize. The chunks are valid inside the `with`. Raises `problem` if that fails."""
        bitmaps: list[int] = []
        output = mtmd_cpp.mtmd_input_chunks_init()
        try:
            inputs, keep = inputs_of(parts, bitmaps)
            with native.complaints() as complaints:
                status = mtmd_cpp.mtmd_tokenize_from_parts(self.pointer, output, inputs, len(inputs), False)
            del keep
            if status != 0:
                problem.detail = "\n".join(complaints)
                raise problem
            count = mtmd_cpp.mtmd_input_chunks_size(output)
            yield [chunk_at(mtmd_cpp.mtmd_input_chunks_get(output, index)) for index in range(count)]
        finally:
            mtmd_cpp.mtmd_input_chunks_free(output)
            for bitmap in bitmaps:
                mtmd_cpp.mtmd_bitmap_free(bitmap)

    @contextmanager
    def slices(self, picture: Picture) -> Iterator[list[Chunk]]:
        """The slices of one picture, ready to be encoded."""
        bitmap = Bitmap(picture.width, picture.height, picture.pixels, picture.digest)
        problem = PictureError("The model cannot prepare this picture.", "Try another picture.")
        with self._chunks([bitmap], problem) as chunks:
            yield [chunk for chunk in chunks if chunk.picture]

    def encode(self, chunk: Chunk, progress: Progress, cancelled: Callable[[], bool]) -> NDArray[np.float32]:
        """`(cells, width) float32` embeddings of a slice, all finite.

        Raises Aborted within a few graph nodes of `cancelled`, NotNumbersError, PictureError.
        """
        with self._watch.watching(progress, cancelled), native.complaints() as complaints:
            status = mtmd_cpp.mtmd_encode_chunk(self.pointer, chunk.pointer)
        if self._watch.failure is not None:
            raise self._watch.failure
        if self._watch.stopped:  # reported as a success, but the embeddings are not finished
            raise Aborted
        if status != 0:
            raise PictureError(
                "The model could not look at the picture.", "Try another picture.", "\n".join(complaints)
            )
        output = mtmd_cpp.mtmd_get_output_embd(self.pointer)
        embeddings = np.ctypeslib.as_array(output, (chunk.cells, self._width)).copy()
        if not np.isfinite(embeddings).all():  # before they are remembered
            raise NotNumbersError
        return embeddings

    def fits(self, chunk: Chunk, embeddings: NDArray[Any]) -> bool:
        """Whether `embeddings` can be those of `chunk`: native code would read past the end of smaller ones."""
        whole = embeddings.flags.c_contiguous and embeddings.dtype == np.float32
        return whole and embeddings.shape == (chunk.cells, self._width)

    def place(
        self,
        text: TextModel,
        chunk: Chunk,
        embeddings: NDArray[np.float32],
        position: int,
        progress: Callable[[int], None],
    ) -> None:
        """Put the embeddings of a slice into the text model from `position` on; `progress` gets the cells done.

        Raises Aborted, ContextFullError, ModelError or EngineError; what was computed is then to be cut.
        """
        assert self.fits(chunk, embeddings)
        if self.non_causal and chunk.cells > text.batch:
            raise ModelError(
                "The picture takes more tokens than the model reads at once.", "Use another model.", f"{chunk.cells}"
            )
        done = 0

        def on_batch(batch: Any, _: object) -> int:
            nonlocal done
            done += batch.contents.n_tokens
            progress(done)
            return 2 if text.abort.is_set() else 0

        pointer = embeddings.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        after, on_batch_c = llama_cpp.llama_pos(), mtmd_cpp.mtmd_helper_post_decode_callback(on_batch)
        with native.complaints() as complaints:
            status = mtmd_cpp.mtmd_helper_decode_image_chunk(
                self.pointer,
                text.pointer,
                chunk.pointer,
                pointer,
                position,
                0,
                text.batch,
                ctypes.byref(after),
                on_batch_c,
                None,
            )
        check_status(status, complaints)
