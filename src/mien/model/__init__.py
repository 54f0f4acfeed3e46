"""The model file: one ONNX graph with labels, preprocessing and provenance inside."""

from mien.model.file import model_bytes, model_from_bytes, read_model, write_model
from mien.model.record import Model

__all__ = ["Model", "model_bytes", "model_from_bytes", "read_model", "write_model"]
