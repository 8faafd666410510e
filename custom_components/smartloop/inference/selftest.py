"""What the child process does: run the packaged model on onnxruntime and say how it went.

Importing onnxruntime can end a process (illegal instruction, segmentation fault, abort); then it
had better be this one. The answer is one JSON object on the last line of standard output.
"""

import json
import resource
import sys
from pathlib import Path

from .catalog import SELFTEST, Catalog
from .errors import EngineUnavailableError, GoldenError, InferenceError
from .ort_engine import OrtEngine

FOLDER = Path(__file__).resolve().parent.parent / "onnx"


def main() -> None:
    """Answer `ok`, `import_error`, `mismatch` or `error`."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    version, detail = "", ""
    try:
        engine = OrtEngine()
        version = engine.version
        Catalog.open(FOLDER).load(SELFTEST, engine)
        result = "ok"
    except EngineUnavailableError as err:
        result, detail = "import_error", str(err)
    except GoldenError as err:
        result, detail = "mismatch", str(err)
    except InferenceError as err:
        result, detail = "error", str(err)
    sys.stdout.write(f"\n{json.dumps({'result': result, 'version': version, 'detail': detail[:300]})}\n")
