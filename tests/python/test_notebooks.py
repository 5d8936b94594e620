"""The notebooks run from the first cell to the last, and are kept without outputs."""

import json
import sys
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "examples" / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks():
    assert {"demand_paging", "tlb_geometry", "fault_injection"} <= {path.stem for path in NOTEBOOKS}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_kept_without_outputs(path):
    book = json.loads(path.read_text())
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None, "clear the outputs before committing"
    assert book["cells"][0]["cell_type"] == "markdown"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run(path, tmp_path, monkeypatch):
    import nbclient  # Debian: python3-nbclient, python3-ipykernel; `./x setup test` installs them
    import nbformat

    # A kernel of this very interpreter, the one that has the package.
    kernel = tmp_path / "jupyter" / "kernels" / "quire"
    kernel.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Quire", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    book = nbformat.read(path, as_version=4)
    work = tmp_path / "work"
    work.mkdir()
    nbclient.NotebookClient(book, kernel_name="quire", timeout=600, resources={"metadata": {"path": str(work)}}).execute()
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    assert outputs and all(output["output_type"] == "stream" and output["name"] == "stdout" for output in outputs), outputs
