"""What can go wrong with weights: every message names the file."""

from __future__ import annotations

from collections.abc import Sequence

from tools.errors import LakeError, ServiceError


class WeightsError(LakeError):
    """A model's weights cannot be read: missing, damaged, or of a layout that is not known.

    `file` is the file at fault as its repository names it, "" when there is none.
    """

    def __init__(self, message: str, *, hint: str = "", file: str = "") -> None:
        super().__init__(message, hint=hint)
        self.file = file


class PickledWeightsError(WeightsError):
    """The only weights are pickle files, which may run code when they are opened, so they are not."""

    def __init__(self, model: str, files: Sequence[str]) -> None:
        shown = ", ".join(repr(name) for name in files[:3]) + (", …" if len(files) > 3 else "")
        super().__init__(
            f"{model!r} has its weights only in pickle files ({shown}): not opened: may run code.",
            hint="Convert them where you trust them: load with torch.load(…, weights_only=True), write with "
            "safetensors.torch.save_file; or use the Hub's Space 'safetensors/convert'.",
            file=files[0],
        )
        self.files = tuple(files)


class HubError(WeightsError, ServiceError):
    """The Hub did not give what was asked of it, and nothing else could."""

    exit_code = 3
