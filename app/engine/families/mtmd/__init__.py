"""Every model that llama.cpp's libmtmd runs, with its projector, and text models without one."""

import secrets
from contextlib import ExitStack
from pathlib import Path

from app.engine import machine, native
from app.engine.families import Cancel, LoadCancelled, Progress
from app.engine.families.mtmd import files as pair
from app.engine.families.mtmd.model import MtmdModel
from app.engine.families.mtmd.text import TextModel, Weights
from app.engine.families.mtmd.vision import Vision
from app.engine.fit import cache_that_fits, context_that_fits
from app.engine.native import facts
from app.engine.pictures import PictureCache
from app.engine.template import ChatTemplate
from app.errors import UsageError
from app.gguf import fingerprint
from app.values import ModelSpec

__all__ = ["facts", "load"]


def load(spec: ModelSpec, progress: Progress, cancel: Cancel) -> MtmdModel:
    """Load a model and its projector. Files are checked and memory is counted before native code sees them.

    Raises ModelError, MemoryShortError, UsageError, or LoadCancelled.
    """
    native.start()
    files, options = pair.check(spec), spec.options
    if options.kv != "f16" and options.flash == "off":
        raise UsageError("A quantised KV cache needs flash attention.", "Turn it on, or choose the f16 cache.")
    gpus = native.gpu_devices()
    gpu_layers = pair.gpu_layers(files, options, max((gpu["free"] for gpu in gpus), default=0)) if gpus else 0
    demand, repack = pair.demand(files, options, gpu_layers), native.may_rearrange() and pair.repack(files)
    free = machine.room(0 if repack else demand.weights)
    context = context_that_fits(
        demand,
        free,
        asked=options.context,
        default=pair.DEFAULT_CONTEXT,
        trained=pair.trained_context(files.model),
    )
    threads = machine.threads(options.threads)
    step = _Steps(files, progress, cancel)
    with ExitStack() as stack:
        weights = Weights(files.model.path, step.model, gpu_layers=gpu_layers, repack=repack)
        stack.callback(weights.close)
        vision, batch = None, pair.BATCH_GPU if gpu_layers else pair.BATCH
        if files.projector is not None:
            vision = Vision(
                files.projector.path,
                weights,
                options,
                gpu=gpu_layers > 0,
                layers=int(files.projector.number("clip.vision.block_count", 1)),
                threads=threads,
                progress=step.projector,
            )
            stack.callback(vision.close)
            if vision.non_causal:  # a picture whose tokens see one another is computed whole
                batch = max(batch, vision.most_cells())
        text = TextModel(weights, options, context=context, batch=min(batch, context), threads=threads)
        stack.callback(text.close)
        mark = f"<picture {secrets.token_hex(8)}>"
        template = ChatTemplate(
            weights.chat_template(),
            mark=mark,
            bos=weights.token_text(weights.bos),
            eos=weights.token_text(weights.eos),
            has_token=weights.is_control,
        )
        step.check()
        return MtmdModel(
            text,
            vision,
            template,
            PictureCache(
                cache_that_fits(demand, free, context=context, asked=options.cache_memory),
                Path(options.cache_dir) if options.cache_dir else None,
                options.cache_disk,
            ),
            mark=mark,
            identity="" if files.projector is None else f"{fingerprint(files.projector)} {native.VERSION}",
            resources=stack.pop_all(),
        )


class _Steps:
    """One fraction for the loading of two files, by their sizes, and the wish to stop."""

    def __init__(self, files: pair.Files, progress: Progress, cancel: Cancel) -> None:
        self._model = sum(part.file_size for part in files.parts)
        self._projector = files.projector.file_size if files.projector else 0
        self._progress, self._cancel = progress, cancel

    def model(self, fraction: float) -> None:
        self._report(fraction * self._model)

    def projector(self, fraction: float) -> None:
        self._report(self._model + fraction * self._projector)

    def check(self) -> None:
        """Raises LoadCancelled."""
        if self._cancel.is_set():
            raise LoadCancelled

    def _report(self, loaded: float) -> None:
        self.check()
        self._progress(loaded / (self._model + self._projector))
